import type { PinUse } from "../types.ts";

/**
 * Pins of a Raspberry Pi Pico that are not markers: 18 of its 26. Apart from the board's other data because firmware needs
 * none of these sentences, and a bundle pays for each byte.
 */
export const monitoringPins: PinUse[] = [
  { pin: 8, use: "I2C0 SDA, channel monitors", direction: "bus" },
  { pin: 9, use: "I2C0 SCL, channel monitors", direction: "bus" },
  { pin: 10, use: "I2C1 SDA, panel, temperature, EEPROM", direction: "bus" },
  { pin: 11, use: "I2C1 SCL, panel, temperature, EEPROM", direction: "bus" },
  { pin: 12, use: "SPI1 RX, converter DOUT", direction: "in" },
  { pin: 13, use: "SPI1 CS, converter", direction: "out" },
  { pin: 14, use: "SPI1 SCK, converter", direction: "out" },
  { pin: 15, use: "SPI1 TX, converter DIN", direction: "out" },
  { pin: 16, use: "converter DRDY", direction: "in" },
  { pin: 17, use: "button up", direction: "in" },
  { pin: 18, use: "button down", direction: "in" },
  { pin: 19, use: "button select", direction: "in" },
  { pin: 20, use: "button stop", direction: "in" },
  { pin: 21, use: "converter CLKIN (clock output)", direction: "out" },
  { pin: 22, use: "alert, wired-or of the monitors", direction: "in" },
  { pin: 26, use: "74HC595 chain, serial data", direction: "out" },
  { pin: 27, use: "74HC595 chain, shift clock", direction: "out" },
  {
    pin: 28,
    use: "74HC595 chain, latch clock; its edges also feed the watchdog that gates the outputs",
    direction: "out",
  },
];
