/** A datatype of the Open Inference Protocol. */
export interface Datatype {
  oip: string;
  /** Bytes of an element; 0 where elements have lengths of their own (BYTES). */
  bytes: number;
  /** Triton's name in a model configuration. */
  config: string;
  /** Field of InferTensorContents with its values; null where values travel raw only. */
  contents: string | null;
}

/** Every datatype of the protocol, BF16 among them, which Triton added. */
export const datatypes: readonly Datatype[] = [
  { oip: "BOOL", bytes: 1, config: "TYPE_BOOL", contents: "bool_contents" },
  { oip: "UINT8", bytes: 1, config: "TYPE_UINT8", contents: "uint_contents" },
  { oip: "UINT16", bytes: 2, config: "TYPE_UINT16", contents: "uint_contents" },
  { oip: "UINT32", bytes: 4, config: "TYPE_UINT32", contents: "uint_contents" },
  { oip: "UINT64", bytes: 8, config: "TYPE_UINT64", contents: "uint64_contents" },
  { oip: "INT8", bytes: 1, config: "TYPE_INT8", contents: "int_contents" },
  { oip: "INT16", bytes: 2, config: "TYPE_INT16", contents: "int_contents" },
  { oip: "INT32", bytes: 4, config: "TYPE_INT32", contents: "int_contents" },
  { oip: "INT64", bytes: 8, config: "TYPE_INT64", contents: "int64_contents" },
  { oip: "FP16", bytes: 2, config: "TYPE_FP16", contents: null },
  { oip: "FP32", bytes: 4, config: "TYPE_FP32", contents: "fp32_contents" },
  { oip: "FP64", bytes: 8, config: "TYPE_FP64", contents: "fp64_contents" },
  { oip: "BYTES", bytes: 0, config: "TYPE_STRING", contents: "bytes_contents" },
  { oip: "BF16", bytes: 2, config: "TYPE_BF16", contents: null },
];

const byName = new Map(datatypes.map((entry) => [entry.oip, entry]));

export function datatype(oip: string): Datatype | undefined {
  return byName.get(oip);
}

/** Number of elements of a shape. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * Splits a raw BYTES tensor, where each element is its length as little-endian uint32 and then its bytes.
 * Undefined where the lengths do not fill the tensor exactly.
 */
export function splitBytes(raw: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= raw.length) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > raw.length) return undefined;
    parts.push(raw.subarray(at + 4, end));
    at = end;
  }
  return at === raw.length ? parts : undefined;
}

/**
 * Counts elements of a raw BYTES tensor from a byte on, `most` at most; `end` is the byte behind the last one. Undefined where a
 * length leads out of the tensor.
 */
export function bytesElements(raw: Uint8Array, from: number, most: number): { count: number; end: number } | undefined {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  let count = 0;
  let at = from;
  for (; at < raw.length && count < most; count += 1) {
    if (at + 4 > raw.length) return undefined;
    at += 4 + view.getUint32(at, true);
    if (at > raw.length) return undefined;
  }
  return { count, end: at };
}

/** The raw form of BYTES elements. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}
