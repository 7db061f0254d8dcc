import { USB5744 } from "../parts/usb5744.ts";

/** One downstream port of a managed USB board. */
export interface UsbPort {
  /** Number on the connector, from 1. */
  number: number;
  /** Opens the VBUS switch when high. */
  vbus_pin: number;
  /** Low while the switch limits current or sees reverse voltage. */
  fault_pin: number;
  /** Low lets D+ and D- through. */
  usb2_pin: number;
  /** Low lets the SuperSpeed pairs through. */
  super_speed_pin: number;
  /** Channel of the port's monitor, 1 to 4. */
  monitor_channel: number;
  shunt_ohm: number;
}

const ports: UsbPort[] = [];
for (let n = 0; n < USB5744.ports; n += 1) {
  ports.push({
    number: n + 1,
    vbus_pin: n,
    fault_pin: 6 + n,
    usb2_pin: 10 + n,
    super_speed_pin: 14 + n,
    monitor_channel: n + 1,
    shunt_ohm: 0.025,
  });
}

/** The managed USB board: four ports whose VBUS, USB 2 data and SuperSpeed data are switched apart. Revision A. */
export const managedUsbBoard = {
  kind: "managed-usb",
  revision: "a",
  controller: "Raspberry Pi Pico (RP2040)",
  ports,
  nominal_v: 5,
  limits: {
    rated_a: 1.1,
    // The VBUS switch limits by itself: 1.19 to 1.39 A with 20 kOhm and its 1 % (SLVS841E, table 1 and its equations). It starts softly.
    hard_a: 1.39,
    inrush_a: 1.39,
    inrush_ms: 10,
    off_below_v: 0.25,
    off_within_ms: 500,
  },
  bus: { number: 0, sda: 4, scl: 5, hertz: 100_000 },
  hub: { address: USB5744.address, reset_pin: 18, attach_pin: 19 },
  monitors: { ports: 0x10, rails: 0x11, alert_pin: 20 },
  thermometer_address: 0x48,
  eeprom_address: 0x50,
  locate: { button_pin: 22, light_pin: 21 },
  host_power_pin: 26,
} as const;
