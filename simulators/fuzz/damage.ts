import { cobsDecode, cobsEncode } from "@mltb/protocol";
import type { Random } from "../src/world/random.ts";

/** What is done to a frame; `guarantee` is what the CRC must find without exception. */
export type Damage = "guarantee" | "wire" | "heavy";

const pick = (source: Random, below: number): number => Math.floor(source.uniform() * below);

/** Bits count from the highest of the first byte on: the order of the CRC, in which its bursts are bursts. */
function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (0x80 >> (bit & 7));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** One to three flipped bits, all different. */
function flips(source: Random, bytes: Uint8Array): void {
  const bits = new Set<number>();
  const count = 1 + pick(source, 3);
  while (bits.size < count) bits.add(pick(source, bytes.length * 8));
  for (const bit of bits) flip(bytes, bit);
}

/** One burst of at most 16 bits: first and last are flipped, those between at random. */
function burst(source: Random, bytes: Uint8Array): void {
  const length = 1 + pick(source, Math.min(16, bytes.length * 8));
  const from = pick(source, bytes.length * 8 - length + 1);
  for (let bit = 0; bit < length; bit += 1) {
    if (bit === 0 || bit === length - 1 || source.uniform() < 0.5) flip(bytes, from + bit);
  }
}

/**
 * A damaged copy of a frame (`block`: its bytes before the delimiter), with its delimiter.
 *
 * - `guarantee`: the decoded frame gets 1-3 flips, a burst of at most 16 bits or a wrong length, and is stuffed anew: the
 *   damage is what the CRC and the length field see.
 * - `wire`: the same flips and bursts on the stuffed bytes, code bytes and delimiter included: a zero that comes about cuts
 *   the block, a delimiter that is hit joins it to the next one.
 * - `heavy`: half of the bytes are random, or all of them.
 */
export function damaged(source: Random, block: string, kind: Damage): string {
  if (kind === "guarantee") {
    const plain = Buffer.from(cobsDecode(block) as string, "latin1");
    const way = pick(source, 3);
    if (way === 0) flips(source, plain);
    else if (way === 1) burst(source, plain);
    else if (source.uniform() < 0.5) return `${cobsEncode(text(plain.subarray(0, pick(source, plain.length))))}\0`;
    else {
      const more = Array.from({ length: 1 + pick(source, 9) }, () => pick(source, 256));
      return `${cobsEncode(text(plain) + String.fromCharCode(...more))}\0`;
    }
    return `${cobsEncode(text(plain))}\0`;
  }
  const bytes = Buffer.from(`${block}\0`, "latin1");
  if (kind === "wire") {
    if (source.uniform() < 0.5) flips(source, bytes);
    else burst(source, bytes);
    return text(bytes);
  }
  const whole = source.uniform() < 0.5;
  for (let at = 0; at < bytes.length - 1; at += 1) {
    if (whole || source.uniform() < 0.5) bytes[at] = 1 + pick(source, 255);
  }
  return text(bytes);
}
