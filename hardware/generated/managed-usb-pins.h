/* Pins of the Managed USB board. Generated from hardware/src by `npm run -s hardware -- docs`; do not edit. */
#pragma once
#define PIN_VBUS_1 0u /* VBUS of port 1 */
#define PIN_VBUS_2 1u /* VBUS of port 2 */
#define PIN_VBUS_3 2u /* VBUS of port 3 */
#define PIN_VBUS_4 3u /* VBUS of port 4 */
#define PIN_BUS_SDA 4u /* SDA, hub, monitors */
#define PIN_BUS_SCL 5u /* SCL, hub, monitors */
#define PIN_FAULT_1 6u /* VBUS switch 1 limits */
#define PIN_FAULT_2 7u /* VBUS switch 2 limits */
#define PIN_FAULT_3 8u /* VBUS switch 3 limits */
#define PIN_FAULT_4 9u /* VBUS switch 4 limits */
#define PIN_USB2_1 10u /* USB 2 data of port 1 off */
#define PIN_USB2_2 11u /* USB 2 data of port 2 off */
#define PIN_USB2_3 12u /* USB 2 data of port 3 off */
#define PIN_USB2_4 13u /* USB 2 data of port 4 off */
#define PIN_SUPER_SPEED_1 14u /* SuperSpeed of port 1 off */
#define PIN_SUPER_SPEED_2 15u /* SuperSpeed of port 2 off */
#define PIN_SUPER_SPEED_3 16u /* SuperSpeed of port 3 off */
#define PIN_SUPER_SPEED_4 17u /* SuperSpeed of port 4 off */
#define PIN_HUB_RESET 18u /* hub RESET_N */
#define PIN_HUB_ATTACH 19u /* hub VBUS_DET: shows the hub to the host */
#define PIN_ALERT 20u /* alert, wired-or of the monitors */
#define PIN_LOCATE_LIGHT 21u /* light that shows which board it is */
#define PIN_LOCATE_BUTTON 22u /* button */
#define PIN_HOST_POWER 26u /* half of the host's VBUS */
