import { ampsPerCode, type MonitoringBoard, monitoringConverter } from "@mltb/hardware";
import type { FastChain } from "./fast-chain.ts";

/** Blocks that the ring holds before it drops the oldest. */
const RING_BLOCKS = 16;
/** The rows of a block at most, as the C sampler has it. */
const BLOCK_BYTES = 1600;
/** The converter's own period, of which the sampler's is a multiple. */
const CONVERTER_US = 1e6 / monitoringConverter.rate_hz;
/** Period for which the noise of the chain is given. */
const NOISE_PERIOD_US = 1000;

/** The fast current chain behind the sampler contract: rows of codes at the board's period, in blocks. */
export interface Sampler {
  start(period_us: number, rows: number, now_us: number): boolean;
  stop(): void;
  /** Time from row to row while it runs. */
  period_us(): number | undefined;
  /** A step of the world has ended, no longer than the period: mean current of each channel over it. */
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
  let origin_us = 0;
  let sums: number[] = [];
  let steps = 0;
  let next = 0;
  let lost = 0;
  let block: Buffer = Buffer.alloc(0);
  let filled = 0;
  let ring: { bytes: string; first: number; tick: number }[] = [];

  return {
    start(period_us, rows, now_us) {
      if (period_us % CONVERTER_US !== 0 || rows * board.channels.length * 2 > BLOCK_BYTES) return false;
      running = true;
      period = period_us;
      sums = board.channels.map(() => 0);
      steps = 0;
      rowsPerBlock = rows;
      start_us = now_us;
      origin_us = now_us;
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
    period_us: () => (running ? period : undefined),
    row(currents_a, end_us) {
      if (!running) return;
      for (const [channel, current] of currents_a.entries()) sums[channel] = (sums[channel] as number) + current;
      steps += 1;
      if (Math.round(end_us - origin_us) < (next + 1) * period) return;
      for (let channel = 0; channel < currents_a.length; channel += 1) {
        const mean = (sums[channel] as number) / steps;
        const measured = chain.amperes(channel, mean, Math.sqrt(NOISE_PERIOD_US / period));
        sums[channel] = 0;
        const code = Math.max(-32768, Math.min(32767, Math.round(measured / (lsb[channel] as number))));
        block.writeInt16LE(code, (filled * currents_a.length + channel) * 2);
      }
      steps = 0;
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
