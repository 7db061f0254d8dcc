import { ampsPerCode, type MonitoringBoard } from "@mltb/hardware";
import type { FastChain } from "./fast-chain.ts";

/** Rows come with the world's steps; a controller with the real converter keeps twenty times as many. */
const PERIOD_US = 1000;
const BEFORE = 110;
const AFTER = 100;

/** The current of every channel over the last 100 ms, and the waveforms that were kept of the last two trips. */
export interface Wave {
  /** Conversions begin: nothing is known of the time before, and no waveform is under way any more. */
  begin(): void;
  /** A waveform is under way. */
  running(): boolean;
  /** False while both waveforms are under way. */
  keep(channel: number): boolean;
  /** Channel, rows so far, rows to come, time between rows, tick at the end of the first. */
  get(back: number): [number, number, number, number, number] | undefined;
  read(back: number, first: number, count: number): string;
  row(currents_a: number[], end_us: number): void;
}

interface Kept {
  channel: number;
  first_us: number;
  codes: number[];
  left: number;
}

export function createWave(board: MonitoringBoard, chain: FastChain): Wave {
  let history: { codes: number[]; end_us: number }[] = [];
  /** The latest first. */
  let kept: Kept[] = [];
  let last_us = Number.NEGATIVE_INFINITY;

  return {
    begin() {
      history = [];
      for (const wave of kept) wave.left = 0;
    },
    running: () => kept.some(({ left }) => left > 0),
    keep(channel) {
      if (kept.length === 2 && kept[1]?.left !== 0) return false;
      const codes = history.map((row) => row.codes[channel] as number);
      kept = [{ channel, first_us: history[0]?.end_us ?? last_us, codes, left: AFTER }, ...kept.slice(0, 1)];
      return true;
    },
    get(back) {
      const wave = kept[back];
      if (wave === undefined) return undefined;
      return [wave.channel, wave.codes.length, wave.left, PERIOD_US, Math.floor(wave.first_us) % 2 ** 32];
    },
    read(back, first, count) {
      const codes = kept[back]?.codes.slice(first, first + count) ?? [];
      const bytes = Buffer.alloc(2 * codes.length);
      for (const [n, code] of codes.entries()) bytes.writeInt16LE(code, 2 * n);
      return bytes.toString("latin1");
    },
    row(currents_a, end_us) {
      if (end_us - last_us < PERIOD_US) return;
      last_us = end_us;
      const codes = currents_a.map((current, n) => {
        const channel = board.channels[n] as MonitoringBoard["channels"][0];
        const code = Math.round(chain.amperes(n, current, 0) / ampsPerCode(board, channel));
        return Math.max(-32768, Math.min(32767, code));
      });
      history.push({ codes, end_us });
      if (history.length > BEFORE) history = history.slice(-BEFORE);
      for (const wave of kept) {
        if (wave.left === 0) continue;
        wave.codes.push(codes[wave.channel] as number);
        wave.left -= 1;
      }
    },
  };
}
