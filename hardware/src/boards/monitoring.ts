import { ADS131M08, INA240A1 } from "../parts/fast-current.ts";
import type { Channel, MonitoringBoard } from "../types.ts";

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
    rows_per_dense_block: 100,
  },
  limits: {
    on_tolerance: 0.1,
    on_within_ms: 400,
    off_below_v: 0.25,
    off_below_a: 0.005,
    off_within_ms: 500,
    rated_a: 2.8,
    slow_ms: 60,
    // Below the 3 A at which the fast chain is at its full scale.
    hard_a: 2.95,
    // Up to 2200 uF at 1 V/ms, and a load that starts; below the 4.096 A at which the monitor saturates.
    inrush_a: 4,
    inrush_ms: 20,
    // Forty codes of the monitor above its largest offset.
    reverse_ma: 100,
    drift_ma: 100,
  },
  chain_bits: 4 * COUNT,
  chain: { data_pin: 26, clock_pin: 27, latch_pin: 28 },
  monitor_bus: 0,
  panel_bus: 1,
  thermometer_address: 0x48,
  lcd: { address: 0x27, columns: 20, rows: 4 },
  alert_pin: 22,
  // Eight channels of 2.8 A and the board itself: 22.6 A give 45 mV and 1 W.
  supply: { address: 0x40, shunt_ohm: 0.002 },
  eeprom_address: 0x50,
  readback_address: 0x20,
  buttons: { up: 17, down: 18, select: 19, stop: 20 },
};
