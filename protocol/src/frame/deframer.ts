import { findZero, slice } from "#platform";
import { decodeFrame, type Frame, type FrameFault } from "./frame.ts";
import type { Seal } from "./seal.ts";

/** What a deframer has seen; every byte that did not become a frame is in one of these. */
export interface FrameCounters {
  good: number;
  empty: number;
  cobs: number;
  short: number;
  crc: number;
  length: number;
  kind: number;
  major: number;
  oversize: number;
  /** Bytes thrown away with faulty or oversize blocks. */
  skipped_bytes: number;
}

export interface Deframer {
  counters: FrameCounters;
  /** Takes bytes in any chunking and calls `onFrame` for each good frame. */
  rx(this: void, chunk: string): void;
}

export function frameCounters(): FrameCounters {
  return {
    good: 0,
    empty: 0,
    cobs: 0,
    short: 0,
    crc: 0,
    length: 0,
    kind: 0,
    major: 0,
    oversize: 0,
    skipped_bytes: 0,
  };
}

/**
 * Cuts a byte stream at zero bytes. A block longer than `cap` is dropped up to the next delimiter, so that the tail
 * of a broken frame is never offered as a frame, and memory stays bounded by `cap` plus one chunk.
 */
export function deframer(cap: number, seal: Seal, onFrame: (this: void, frame: Frame) => void): Deframer {
  const counters = frameCounters();
  let held = "";
  let skipping = false;

  function block(bytes: string): void {
    if (bytes.length === 0) {
      counters.empty += 1;
      return;
    }
    const result: Frame | FrameFault = decodeFrame(bytes, seal);
    if (typeof result === "string") {
      counters[result] += 1;
      counters.skipped_bytes += bytes.length;
      return;
    }
    counters.good += 1;
    onFrame(result);
  }

  function rx(chunk: string): void {
    let from = 0;
    while (true) {
      const zero = findZero(chunk, from);
      const end = zero < 0 ? chunk.length : zero;
      if (skipping) {
        counters.skipped_bytes += end - from;
      } else if (held.length + end - from > cap) {
        counters.oversize += 1;
        counters.skipped_bytes += held.length + end - from;
        held = "";
        skipping = true;
      } else if (zero < 0) {
        held += slice(chunk, from, end);
      }
      if (zero < 0) return;
      if (!skipping) block(held + slice(chunk, from, zero));
      held = "";
      skipping = false;
      from = zero + 1;
    }
  }

  return { counters, rx };
}
