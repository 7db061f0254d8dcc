import { ampsPerCode, type MonitoringBoard } from "@mltb/hardware";
import type { FastChain } from "./fast-chain.ts";

/** Blocks that the ring holds before it drops the oldest. */
const RING_BLOCKS = 16;

/** The fast current chain behind the sampler contract: rows of codes at the board's period, in blocks. */
export interface Sampler {
  start(period_us: number, rows: number, now_us: number): boolean;
  stop(): void;
  running(): boolean;
  /** One interval has ended: mean current of each channel over it. */
  row(currents_a: number[], end_us: number): void;
  /** Index of the row whose interval holds this time. */
  indexAt(time_us: number): number;
  take(): [string, number, number, number] | undefined;
  full(): boolean;
}

export function createSampler(board: MonitoringBoard, chain: FastChain): Sampler {
  const lsb = board.channels.map((channel) => ampsPerCode(board, channel));
  let running = false;
  let period = 0;
  let rowsPerBlock = 0;
  let start_us = 0;
  let next = 0;
  let lost = 0;
  let block: Buffer = Buffer.alloc(0);
  let filled = 0;
  let ring: { bytes: string; first: number; tick: number }[] = [];

  return {
    start(period_us, rows, now_us) {
      running = true;
      period = period_us;
      rowsPerBlock = rows;
      start_us = now_us;
      next = 0;
      lost = 0;
      filled = 0;
      ring = [];
      block = Buffer.alloc(rows * board.channels.length * 2);
      return true;
    },
    stop() {
      running = false;
    },
    running: () => running,
    row(currents_a, end_us) {
      if (!running) return;
      for (let channel = 0; channel < currents_a.length; channel += 1) {
        const measured = chain.amperes(channel, currents_a[channel] as number, 1);
        const code = Math.max(-32768, Math.min(32767, Math.round(measured / (lsb[channel] as number))));
        block.writeInt16LE(code, (filled * currents_a.length + channel) * 2);
      }
      if (next === 0) start_us = end_us - period;
      filled += 1;
      next += 1;
      if (filled < rowsPerBlock) return;
      filled = 0;
      if (ring.length === RING_BLOCKS) {
        ring.shift();
        lost += rowsPerBlock;
      }
      const first = next - rowsPerBlock;
      ring.push({ bytes: block.toString("latin1"), first, tick: (start_us + (first + 1) * period) % 2 ** 32 });
    },
    indexAt: (time_us) => (running ? Math.max(0, Math.floor((time_us - start_us) / period)) : 0),
    take() {
      const entry = ring.shift();
      return entry === undefined ? undefined : [entry.bytes, entry.first, entry.tick, lost];
    },
    full: () => ring.length > 0,
  };
}
