import { INA226, type MonitoringBoard } from "@mltb/hardware";
import { at, byte, idiv, shr } from "#platform";
import { isSetUp, SWEEP_REGISTERS, setUpIna226, sweepCodes } from "../drivers/ina226.ts";
import type { Calibrations } from "./calibration.ts";
import type { Reading, Readings } from "./readings.ts";

const SWEEP_US = 10000;
/** One part is asked for its configuration, or tried where it is silent, at this interval: a bus that is held costs each attempt milliseconds. */
const RETRY_MS = 125;
/** Sweeps without an answer after which a monitor counts as dead (50 ms, inside the 100 ms of a stale sensor). */
const DEAD_AFTER = 5;
/** Shunt code that says "did not answer" in a monitor block. */
const ABSENT = -32768;

export interface Monitors extends Readings {
  /** Takes a finished sweep; true when there was one. */
  tick(this: void, now_ms: number): boolean;
  /** The latest sweep as the data of `monitor_block`, and the device tick of its start. */
  block(this: void): string;
  /** Its registers as they were read, two bytes each, most significant first. */
  registers(this: void): string;
  blockTick(this: void): number;
}

/** Reads the INA226 of every channel at 100 Hz by the board's background sweep, and sets up those that come back. */
export function createMonitors(
  hal: Hal,
  board: MonitoringBoard,
  calibrations: Calibrations,
  onReady: (this: void, index: number) => void,
): Monitors {
  const readings: Reading[] = [];
  const calibrated = calibrations.list;
  const factor: number[] = [];
  let addresses = "";
  let format = "<";
  for (const channel of board.channels) {
    readings.push({ voltage_mv: 0, current_ua: 0, sweep: 0, missed: DEAD_AFTER });
    addresses += byte(channel.monitor_address);
    format += "I2i2";
    // Microamperes per shunt code: a whole number for every shunt in use, so that currents stay integers.
    factor.push(Math.floor((INA226.shunt_lsb_v * 1000000) / channel.shunt_ohm + 0.5));
  }
  const parts = readings.length;
  let count = 0;
  let tick_us = 0;
  let codes: number[] = [];
  /** Used again for each block: a new table a sweep is garbage that the collector must look for. */
  const values: number[] = [];
  let latest = "";
  let missing = 0;
  let retry_ms = 0;
  let turn = 0;

  /**
   * A part that did not answer may be one that has lost its configuration, alert limit included: it is set up again with its next
   * answer, or, where it is dead, once a second. So is one that answers and has another configuration.
   */
  function setUp(index: number): void {
    if (!setUpIna226(hal, board.monitor_bus, at(addresses, index))) return;
    (readings[index] as Reading).missed = DEAD_AFTER - 1;
    onReady(index);
  }

  for (let i = 0; i < parts; i += 1) setUp(i);
  hal.sweep_start(SWEEP_US, addresses, SWEEP_REGISTERS);

  return {
    readings,
    tick(this: void, now_ms: number): boolean {
      const [bytes, at_us, lost] = hal.sweep_take();
      if (bytes === undefined) return false;
      count += 1;
      tick_us = at_us;
      missing = lost;
      latest = bytes;
      codes = sweepCodes(bytes, parts);
      for (let i = 0; i < parts; i += 1) {
        const reading = readings[i] as Reading;
        if ((shr(missing, i) & 1) === 1) {
          reading.missed += 1;
        } else if (reading.missed < DEAD_AFTER) {
          // What it says first may be from before its first conversion: 0 V would be taken for a rail that is lost.
          const back = reading.missed > 0;
          if (back) setUp(i);
          reading.missed = 0;
          if (!back) {
            reading.current_ua = (codes[2 * i] as number) * (factor[i] as number);
            reading.voltage_mv = idiv((codes[2 * i + 1] as number) * 5, 4);
            if (calibrated[i] !== undefined) calibrations.correct(i, reading);
            reading.sweep = count;
          }
        }
      }
      if (now_ms >= retry_ms) {
        retry_ms = now_ms + RETRY_MS;
        turn = turn + 1 === parts ? 0 : turn + 1;
        if ((readings[turn] as Reading).missed > 0 || !isSetUp(hal, board.monitor_bus, at(addresses, turn)))
          setUp(turn);
      }
      return true;
    },
    sweep(this: void): number {
      return count;
    },
    dead(this: void, index: number): boolean {
      return (readings[index] as Reading).missed >= DEAD_AFTER;
    },
    block(this: void): string {
      for (let i = 0; i < parts; i += 1) {
        values[2 * i] = codes[2 * i + 1] as number;
        values[2 * i + 1] = (shr(missing, i) & 1) === 1 ? ABSENT : (codes[2 * i] as number);
      }
      return string.pack(format, ...values);
    },
    registers(this: void): string {
      return latest;
    },
    blockTick(this: void): number {
      return tick_us;
    },
  };
}
