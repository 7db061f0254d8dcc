import { crc16 } from "../bytes/crc16.ts";
import { CRC_BYTES, HEADER_BYTES } from "../limits.ts";
import { createSeal, type Seal } from "./seal.ts";
import { SealFault } from "./seal-fault.ts";

export { createSeal, type Seal } from "./seal.ts";
export { SealFault } from "./seal-fault.ts";

const POLYNOMIAL = 0x1021;
/** Bytes that one step of the sum takes. */
const SLICE = 8;
/** Entry `v + 256 k`: the CRC of byte `v` with `k` zero bytes behind it, from 0. */
const table = new Uint16Array(256 * SLICE);
for (let value = 0; value < 256; value += 1) {
  let crc = value << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) & 0xffff) ^ ((crc & 0x8000) === 0 ? 0 : POLYNOMIAL);
  table[value] = crc;
}
for (let i = 256; i < table.length; i += 1) {
  const before = table[i - 256] as number;
  table[i] = ((before & 255) << 8) ^ (table[before >> 8] as number);
}

/** `crc16` of bytes `from` to `to`, eight a step ("slicing": Kounavis and Berry, 2005). */
function crcOfBytes(b: Uint8Array, from: number, to: number, init: number): number {
  let crc = init;
  let i = from;
  for (; i + SLICE <= to; i += SLICE) {
    crc =
      (table[1792 + ((crc >> 8) ^ (b[i] as number))] as number) ^
      (table[1536 + ((crc & 255) ^ (b[i + 1] as number))] as number) ^
      (table[1280 + (b[i + 2] as number)] as number) ^
      (table[1024 + (b[i + 3] as number)] as number) ^
      (table[768 + (b[i + 4] as number)] as number) ^
      (table[512 + (b[i + 5] as number)] as number) ^
      (table[256 + (b[i + 6] as number)] as number) ^
      (table[b[i + 7] as number] as number);
  }
  for (; i < to; i += 1) crc = ((crc & 255) << 8) ^ (table[(crc >> 8) ^ (b[i] as number)] as number);
  return crc;
}

/** Holds the block that is worked on; nothing in it lives on behind a call. */
let scratch = Buffer.alloc(4096);

function toScratch(bytes: string): Buffer {
  if (bytes.length > scratch.length) scratch = Buffer.alloc(2 * bytes.length);
  scratch.write(bytes, 0, "latin1");
  return scratch;
}

/**
 * The seal's `unseal` on bytes instead of strings. COBS is undone in place: the decoded bytes are the coded ones without the
 * first code and with zeros in place of the others; only behind a full run (code 255) the rest moves up by one.
 */
function unseal(this: void, block: string): string | number {
  const length = block.length;
  const b = toScratch(block);
  /** Bytes from `start` on have their place at `end`. */
  let start = 1;
  let end = 1;
  let i = 0;
  while (i < length) {
    const code = b[i] as number;
    if (code === 0 || i + code > length) return SealFault.cobs;
    b[i] = 0;
    i += code;
    if (code < 255 || i === length) continue;
    if (end !== start) b.copyWithin(end, start, i);
    end += i - start;
    start = i + 1;
  }
  if (end !== start) b.copyWithin(end, start, length);
  end += length - start - CRC_BYTES;
  if (end - 1 < HEADER_BYTES) return SealFault.short;
  const sum = (b[end] as number) | ((b[end + 1] as number) << 8);
  return crcOfBytes(b, 1, end, 0xffff) === sum ? b.toString("latin1", 1, end) : SealFault.crc;
}

/** Below this length a string is summed faster where it is than copied. */
const SHORT_BYTES = 48;

function crc(bytes: string, init: number): number {
  return bytes.length < SHORT_BYTES ? crc16(bytes, init) : crcOfBytes(toScratch(bytes), 0, bytes.length, init);
}

/** The seal that a host uses: `createSeal`'s bytes and answers, in less time. */
export const nodeSeal: Seal = {
  seal: createSeal(crc).seal,
  unseal,
};
