/** Pins of the Managed USB board. Generated from hardware/src by `npm run -s hardware -- docs`; do not edit. */
export const pins = {
  /** VBUS of port 1 */
  vbus_1: 0,
  /** VBUS of port 2 */
  vbus_2: 1,
  /** VBUS of port 3 */
  vbus_3: 2,
  /** VBUS of port 4 */
  vbus_4: 3,
  /** SDA, hub, monitors */
  bus_sda: 4,
  /** SCL, hub, monitors */
  bus_scl: 5,
  /** VBUS switch 1 limits */
  fault_1: 6,
  /** VBUS switch 2 limits */
  fault_2: 7,
  /** VBUS switch 3 limits */
  fault_3: 8,
  /** VBUS switch 4 limits */
  fault_4: 9,
  /** USB 2 data of port 1 off */
  usb2_1: 10,
  /** USB 2 data of port 2 off */
  usb2_2: 11,
  /** USB 2 data of port 3 off */
  usb2_3: 12,
  /** USB 2 data of port 4 off */
  usb2_4: 13,
  /** SuperSpeed of port 1 off */
  super_speed_1: 14,
  /** SuperSpeed of port 2 off */
  super_speed_2: 15,
  /** SuperSpeed of port 3 off */
  super_speed_3: 16,
  /** SuperSpeed of port 4 off */
  super_speed_4: 17,
  /** hub RESET_N */
  hub_reset: 18,
  /** hub VBUS_DET: shows the hub to the host */
  hub_attach: 19,
  /** alert, wired-or of the monitors */
  alert: 20,
  /** light that shows which board it is */
  locate_light: 21,
  /** button */
  locate_button: 22,
  /** half of the host's VBUS */
  host_power: 26,
} as const;
