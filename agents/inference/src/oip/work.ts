import { elements } from "../datatypes.ts";
import type { Tensor } from "../runtimes/runtime.ts";

/** How much a conversion has to do. */
export interface Work {
  bytes: number;
  /** Values, or as many as there may be: each costs more than the bytes it stands in. */
  elements: number;
}

/** From this size on a conversion takes milliseconds, in which nobody else would be answered. */
const LARGE: Work = { bytes: 256 * 1024, elements: 16 * 1024 };

export function isLarge({ bytes, elements: count }: Work): boolean {
  return bytes >= LARGE.bytes || count >= LARGE.elements;
}

const COMMA = 0x2c;

/** The work of JSON: its values stand between commas. */
export function jsonWork(text: Uint8Array): Work {
  const work = { bytes: text.length, elements: 0 };
  if (isLarge(work)) return work;
  for (const byte of text) if (byte === COMMA) work.elements += 1;
  return work;
}

/** The work of tensors whose elements are looked at. Of BYTES there may be one for each length of four bytes. */
export function tensorWork(tensors: readonly Tensor[]): Work {
  const work = { bytes: 0, elements: 0 };
  for (const { type, dims, data } of tensors) {
    work.bytes += data.length;
    work.elements += type === "BYTES" ? data.length / 4 : elements(dims);
  }
  return work;
}
