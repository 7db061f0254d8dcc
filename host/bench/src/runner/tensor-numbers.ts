import { DatasetError } from "./dataset.ts";
import { fromBits, half, type SmallFloat, shortened, toBits } from "./small-floats.ts";

/** Numbers of up to 32 bits in a row. */
interface Numbers {
  from(values: ArrayLike<number>, map: (value: number) => number): { buffer: ArrayBufferLike };
  new (buffer: ArrayBufferLike): ArrayLike<number>;
}

/** Whole numbers with their range. */
const integers: Record<string, { of: Numbers; low: number; high: number }> = {
  INT8: { of: Int8Array, low: -(2 ** 7), high: 2 ** 7 - 1 },
  UINT8: { of: Uint8Array, low: 0, high: 2 ** 8 - 1 },
  INT16: { of: Int16Array, low: -(2 ** 15), high: 2 ** 15 - 1 },
  UINT16: { of: Uint16Array, low: 0, high: 2 ** 16 - 1 },
  INT32: { of: Int32Array, low: -(2 ** 31), high: 2 ** 31 - 1 },
  UINT32: { of: Uint32Array, low: 0, high: 2 ** 32 - 1 },
};
const floats: Record<string, Numbers> = { FP32: Float32Array, FP64: Float64Array };
const smallFloats: Record<string, SmallFloat> = { FP16: half, BF16: shortened };
const bits64: Record<string, { signed: boolean }> = { INT64: { signed: true }, UINT64: { signed: false } };

const bytesOf = ({ buffer }: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(buffer);

/** A whole number of 64 bits, rounded and clamped; 0 for what is no number. */
function whole64(value: number, signed: boolean): bigint {
  if (Number.isNaN(value)) return 0n;
  const [low, high] = signed ? [-(1n << 63n), (1n << 63n) - 1n] : [0n, (1n << 64n) - 1n];
  if (value >= Number(high)) return high;
  return value <= Number(low) ? low : BigInt(Math.round(value));
}

/** Elements of BYTES behind their lengths: each number as decimal text. */
function texts(values: ArrayLike<number>): Uint8Array {
  const parts = Array.from(values, (value) => {
    const text = Buffer.from(String(value));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return [length, text];
  });
  return new Uint8Array(Buffer.concat(parts.flat()));
}

/**
 * Bytes of a tensor of that datatype: whole numbers are rounded and clamped, BOOL is whether a number is not 0, BYTES are numbers
 * as text. Throws `DatasetError` for a datatype that nothing is known of.
 */
export function toRaw(values: ArrayLike<number>, datatype: string): Uint8Array {
  const plain = floats[datatype];
  if (plain !== undefined) return bytesOf(plain.from(values, (value) => value));
  const integer = integers[datatype];
  if (integer !== undefined) {
    const { of, low, high } = integer;
    return bytesOf(of.from(values, (value) => Math.max(low, Math.min(high, Math.round(value)))));
  }
  const small = smallFloats[datatype];
  if (small !== undefined) return bytesOf(Uint16Array.from(values, (value) => toBits(value, small)));
  const long = bits64[datatype];
  // The bits of a number are the same in either type.
  if (long !== undefined)
    return bytesOf(BigUint64Array.from(Array.from(values, (value) => BigInt.asUintN(64, whole64(value, long.signed)))));
  if (datatype === "BOOL") return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
  if (datatype === "BYTES") return texts(values);
  throw new DatasetError(`inputs of datatype ${datatype} cannot be made from numbers`);
}

/** A tensor as numbers, BOOL as 0 and 1; undefined for a datatype that has none (BYTES). */
export function toNumbers(datatype: string, bytes: Uint8Array): Float64Array | undefined {
  // A Buffer may be a part of a larger one.
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const plain = floats[datatype] ?? integers[datatype]?.of;
  if (plain !== undefined) return Float64Array.from(new plain(buffer));
  const small = smallFloats[datatype];
  if (small !== undefined) return Float64Array.from(new Uint16Array(buffer), (bits) => fromBits(bits, small));
  const long = bits64[datatype];
  if (long !== undefined)
    return Float64Array.from(long.signed ? new BigInt64Array(buffer) : new BigUint64Array(buffer), Number);
  return datatype === "BOOL" ? Float64Array.from(bytes, (byte) => (byte === 0 ? 0 : 1)) : undefined;
}
