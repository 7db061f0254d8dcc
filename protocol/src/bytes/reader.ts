import { at, i32, slice, u32 } from "#platform";

/** A cursor over a byte string. `ok` turns false at the first read past the end; later reads give zeros. */
export interface Reader {
  bytes: string;
  at: number;
  ok: boolean;
}

export function reader(bytes: string): Reader {
  return { bytes, at: 0, ok: true };
}

function claim(r: Reader, count: number): boolean {
  if (r.at + count > r.bytes.length) r.ok = false;
  return r.ok;
}

export function getU8(r: Reader): number {
  if (!claim(r, 1)) return 0;
  r.at += 1;
  return at(r.bytes, r.at - 1);
}

export function getU16(r: Reader): number {
  if (!claim(r, 2)) return 0;
  r.at += 2;
  return at(r.bytes, r.at - 2) | (at(r.bytes, r.at - 1) << 8);
}

export function getI16(r: Reader): number {
  const value = getU16(r);
  return value >= 32768 ? value - 65536 : value;
}

export function getU32(r: Reader): number {
  if (!claim(r, 4)) return 0;
  const i = r.at;
  r.at += 4;
  return u32(at(r.bytes, i), at(r.bytes, i + 1), at(r.bytes, i + 2), at(r.bytes, i + 3));
}

export function getI32(r: Reader): number {
  if (!claim(r, 4)) return 0;
  const i = r.at;
  r.at += 4;
  return i32(at(r.bytes, i), at(r.bytes, i + 1), at(r.bytes, i + 2), at(r.bytes, i + 3));
}

export function getBytes(r: Reader, count: number): string {
  if (!claim(r, count)) return "";
  r.at += count;
  return slice(r.bytes, r.at - count, r.at);
}

/** Bytes not read yet. */
export function remaining(r: Reader): number {
  return r.bytes.length - r.at;
}
