import { INA226, type MonitoringBoard } from "@mltb/hardware";
import { byte, idiv, join, shr } from "#platform";
import { readBusCode, readShuntCode, setUpIna226 } from "../drivers/ina226.ts";

const SWEEP_MS = 20;
const RETRY_MS = 1000;
/** Sweeps without an answer after which a monitor counts as dead (60 ms, inside the 100 ms of a stale sensor). */
const DEAD_AFTER = 3;
/** Shunt code that says "did not answer" in a monitor block. */
const ABSENT = 32768;

/** The latest reading of a channel's monitor. */
export interface Reading {
  bus_code: number;
  shunt_code: number;
  voltage_mv: number;
  current_ua: number;
  /** Sweep number of the reading, to tell a fresh one from an old one. */
  sweep: number;
  missed: number;
  ready: boolean;
  retry_ms: number;
}

export interface Monitors {
  readings: Reading[];
  /** Sweeps when due; true when new readings are there. */
  tick(this: void, now_ms: number): boolean;
  sweep(this: void): number;
  dead(this: void, index: number): boolean;
  /** One sweep as the data of `monitor_block`, and the device tick in its middle. */
  block(this: void): string;
  blockTick(this: void): number;
  dueIn(this: void, now_ms: number): number;
}

/** Sweeps the INA226 of every channel at 50 Hz over I2C. */
export function createMonitors(hal: Hal, board: MonitoringBoard): Monitors {
  const readings: Reading[] = [];
  const factor: number[] = [];
  for (const channel of board.channels) {
    readings.push({
      bus_code: 0,
      shunt_code: 0,
      voltage_mv: 0,
      current_ua: 0,
      sweep: 0,
      missed: DEAD_AFTER,
      ready: false,
      retry_ms: 0,
    });
    // Microamperes per shunt code: a whole number for every shunt in use, so that currents stay integers.
    factor.push(idiv((INA226.shunt_lsb_v * 1000000) / channel.shunt_ohm + 0.5, 1));
  }
  let next_ms = 0;
  let count = 0;
  let tick_us = 0;

  function read(index: number, now_ms: number): void {
    const reading = readings[index] as Reading;
    const address = (board.channels[index] as { monitor_address: number }).monitor_address;
    if (!reading.ready) {
      if (now_ms < reading.retry_ms) return;
      reading.retry_ms = now_ms + RETRY_MS;
      reading.ready = setUpIna226(hal, board.monitor_bus, address);
      // Its first conversion is not done yet; the next sweep reads it.
      return;
    }
    const bus = readBusCode(hal, board.monitor_bus, address);
    const shunt = bus < 0 ? -32769 : readShuntCode(hal, board.monitor_bus, address);
    if (shunt === -32769) {
      reading.missed += 1;
      if (reading.missed >= DEAD_AFTER) reading.ready = false;
      return;
    }
    reading.missed = 0;
    reading.bus_code = bus;
    reading.shunt_code = shunt;
    reading.voltage_mv = idiv(bus * 5, 4);
    reading.current_ua = shunt * (factor[index] as number);
    reading.sweep = count;
  }

  return {
    readings,
    tick(this: void, now_ms: number): boolean {
      if (now_ms < next_ms) return false;
      next_ms = now_ms - next_ms > SWEEP_MS ? now_ms + SWEEP_MS : next_ms + SWEEP_MS;
      count += 1;
      const before = hal.ticks_us();
      for (let i = 0; i < readings.length; i += 1) read(i, now_ms);
      tick_us = before;
      return true;
    },
    sweep(this: void): number {
      return count;
    },
    dead(this: void, index: number): boolean {
      return (readings[index] as Reading).missed >= DEAD_AFTER;
    },
    block(this: void): string {
      const pieces: string[] = [];
      for (const reading of readings) {
        const shunt = reading.missed > 0 ? ABSENT : reading.shunt_code & 65535;
        pieces.push(byte(reading.bus_code & 255) + byte(shr(reading.bus_code, 8)));
        pieces.push(byte(shunt & 255) + byte(shr(shunt, 8)));
      }
      return join(pieces);
    },
    blockTick(this: void): number {
      return tick_us;
    },
    dueIn(this: void, now_ms: number): number {
      return next_ms > now_ms ? next_ms - now_ms : 0;
    },
  };
}
