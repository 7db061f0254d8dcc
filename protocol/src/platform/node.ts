/**
 * Byte-string primitives for Node. A byte string is a latin1 string: one character a byte, so that lengths and
 * indices mean the same here and in Lua. `lua.ts` exports the same names; a build picks one of the two.
 */

/** Messages that a host keeps parsed: all there can be, ids have one byte. */
export const PARSED_LINES = 256;

/** The byte at index `i` (0-based), or -1 past the end. */
export function at(s: string, i: number): number {
  return i < s.length ? s.charCodeAt(i) : -1;
}

/** Bytes `from` (inclusive) to `to` (exclusive). */
export function slice(s: string, from: number, to: number): string {
  return s.slice(from, to);
}

/** Id, class, answer (empty where the class has none) and sender of a line of the message table; nothing of another line. */
export function headOf(line: string): string[] {
  const found = /^(\S+) ([^ :]+):?(\S*) (\S+)/.exec(line);
  return found === null ? [] : found.slice(1);
}

/** A number written as `0x20`. */
export function hex(text: string): number {
  return Number.parseInt(text, 16);
}

/** Adds names and kinds of the fields of a line. */
export function fieldsOf(line: string, names: string[], kinds: string[]): void {
  const [, fields = ""] = /^\S+ \S+ \S+(.*?)--/s.exec(line) ?? [];
  for (const [, name, kind] of fields.matchAll(/(\S+):(\S+)/g)) {
    names.push(name as string);
    kinds.push(kind as string);
  }
}

/** Index of the next zero byte at or after `from`, or -1. */
export function findZero(s: string, from: number): number {
  return s.indexOf("\0", from);
}

/** A byte string of one byte. */
export function byte(value: number): string {
  return String.fromCharCode(value);
}

/** The pieces, one after the other. */
export function join(pieces: string[]): string {
  return pieces.join("");
}

/** Logical shift right of a non-negative number below 2^32. */
export function shr(value: number, bits: number): number {
  return value >>> bits;
}

/** `later - earlier` of two 32-bit counters that wrap, as a signed number. */
export function wrapDiff(later: number, earlier: number): number {
  return (later - earlier) | 0;
}

/** Integer division of non-negative numbers. */
export function idiv(a: number, b: number): number {
  return Math.floor(a / b);
}

/** The four bytes, each 0..255. */
export function bytes4(a: number, b: number, c: number, d: number): string {
  return String.fromCharCode(a, b, c, d);
}

/** The eight bytes, each 0..255. */
export function bytes8(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number): string {
  return String.fromCharCode(a, b, c, d, e, f, g, h);
}

/** The eight bytes of a frame's header as six bytes and a 16-bit number, little endian; `data` has at least eight. */
export function header8(data: string): number[] {
  const byte = (i: number): number => data.charCodeAt(i);
  return [byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6) | (byte(7) << 8)];
}

/** The number of this kind (u8, u16, u32, i16, i32; little endian) whose bytes begin at `from`; all of them are there. */
export function numberAt(kind: string, bytes: string, from: number): number {
  const low = bytes.charCodeAt(from);
  if (kind === "u8") return low;
  const word = low | (bytes.charCodeAt(from + 1) << 8);
  if (kind === "u16") return word;
  if (kind === "i16") return (word << 16) >> 16;
  const all = word | (bytes.charCodeAt(from + 2) << 16) | (bytes.charCodeAt(from + 3) << 24);
  return kind === "u32" ? all >>> 0 : all;
}

/** Bytes of a body's fixed fields, little endian. Numbers keep their low bits; text, 255 bytes at most, gets its length. */
export function packFields(kinds: string[], values: (number | string)[]): string {
  let bytes = "";
  for (const [i, value] of values.entries()) {
    if (typeof value === "string") bytes += String.fromCharCode(value.length) + value;
    else if (kinds[i] === "u8") bytes += String.fromCharCode(value & 255);
    else if (kinds[i] === "u16" || kinds[i] === "i16") bytes += String.fromCharCode(value & 255, (value >> 8) & 255);
    else bytes += String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
  }
  return bytes;
}
