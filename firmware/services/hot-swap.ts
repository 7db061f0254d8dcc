import { ADM1272, type FloorBoard } from "@mltb/hardware";
import { currentStep_ua, microamperes, millivolts, readCode, setUpAdm1272 } from "../drivers/adm1272.ts";
import type { Reading, Readings } from "./readings.ts";

const SWEEP_MS = 10;
const RETRY_MS = 1000;
/** Sweeps without an answer after which a monitor counts as dead (50 ms, inside the 100 ms of a stale sensor). */
const DEAD_AFTER = 5;

export interface HotSwap extends Readings {
  /** Reads every monitor when it is time; true when it has. */
  tick(this: void, now_ms: number): boolean;
}

/** Reads the ADM1272 of every channel at 100 Hz, and sets up those that come back. */
export function createHotSwap(hal: Hal, board: FloorBoard): HotSwap {
  const { channels, monitor_bus: bus } = board;
  const readings: Reading[] = [];
  let count = 0;
  let sweep_ms = 0;
  let retry_ms = 0;
  for (let i = 0; i < channels.length; i += 1) {
    readings.push({ voltage_mv: 0, current_ua: 0, sweep: 0, missed: DEAD_AFTER });
  }

  function read(reading: Reading, address: number, shunt_ohm: number): void {
    const volts = readCode(hal, bus, address, ADM1272.commands.read_vout);
    const amperes = readCode(hal, bus, address, ADM1272.commands.read_iout);
    if (volts < 0 || amperes < 0) {
      reading.missed += 1;
      return;
    }
    reading.missed = 0;
    reading.voltage_mv = millivolts(volts);
    reading.current_ua = microamperes(amperes, currentStep_ua(shunt_ohm));
    reading.sweep = count;
  }

  return {
    readings,
    tick(this: void, now_ms: number): boolean {
      if (now_ms < sweep_ms) return false;
      sweep_ms = now_ms + SWEEP_MS;
      count += 1;
      const again = now_ms >= retry_ms;
      if (again) retry_ms = now_ms + RETRY_MS;
      for (let i = 0; i < channels.length; i += 1) {
        const { monitor_address, shunt_ohm } = channels[i] as FloorBoard["channels"][0];
        const reading = readings[i] as Reading;
        // A part that does not answer may be one that has lost its configuration.
        if (reading.missed < DEAD_AFTER || (again && setUpAdm1272(hal, bus, monitor_address)))
          read(reading, monitor_address, shunt_ohm);
      }
      return true;
    },
    sweep(this: void): number {
      return count;
    },
    dead(this: void, index: number): boolean {
      return (readings[index] as Reading).missed >= DEAD_AFTER;
    },
  };
}
