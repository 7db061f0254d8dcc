import { ADS131M08, INA240A1 } from "../parts/fast-current.ts";
import type { Channel, MonitoringBoard, PinUse } from "../types.ts";

const COUNT = 8;

const channels: Channel[] = [];
for (let n = 0; n < COUNT; n += 1) {
  channels.push({
    number: n + 1,
    monitor_address: 0x40 + n,
    shunt_ohm: 0.02,
    switch_bit: n,
    discharge_bit: COUNT + n,
    reset_bit: 2 * COUNT + n,
    strap_bit: 3 * COUNT + n,
    marker_pin: n,
  });
}

/** Pins of a Raspberry Pi Pico that are not markers: 18 of its 26. */
const pins: PinUse[] = [
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

/** The monitoring board: eight switched and measured channels, and the front panel of a rack. Revision A. */
export const monitoringBoard: MonitoringBoard = {
  kind: "monitoring",
  revision: "a",
  controller: "Raspberry Pi Pico (RP2040)",
  channels,
  nominal_v: 5,
  fast_current: {
    amplifier_gain: INA240A1.gain,
    full_scale_v: ADS131M08.full_scale_v,
    full_scale_code: ADS131M08.full_scale_code,
    period_us: 1000,
    rows_per_block: 20,
  },
  limits: {
    on_tolerance: 0.1,
    on_within_ms: 400,
    off_below_v: 0.25,
    off_below_a: 0.005,
    off_within_ms: 500,
    rated_a: 2.8,
  },
  chain_bits: 4 * COUNT,
  chain: { data_pin: 26, clock_pin: 27, latch_pin: 28 },
  monitor_bus: 0,
  panel_bus: 1,
  lcd: { address: 0x27, columns: 20, rows: 4 },
  buttons: { up: 17, down: 18, select: 19, stop: 20 },
  pins,
};
