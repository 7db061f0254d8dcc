/**
 * Byte-string primitives for Lua, the twin of `node.ts`. Integers may have 64 or 32 bits (`LUA_32BITS`): nothing here
 * writes a constant above 2^31 or relies on where a shift overflows.
 */

declare const shiftRight: LuaBitwiseRightShift<number, number, number>;
declare const floorDiv: LuaFloorDivision<number, number, number>;

/** Messages that a board keeps parsed. */
export const PARSED_LINES = 40;

export function at(s: string, i: number): number {
  const b = string.byte(s, i + 1);
  return b === undefined ? -1 : b;
}

export function slice(s: string, from: number, to: number): string {
  return string.sub(s, from + 1, to);
}

export function headOf(line: string): string[] {
  return [...string.match(line, "^(%S+) ([^ :]+):?(%S*) (%S+)")] as string[];
}

export function hex(text: string): number {
  return tonumber(text) as number;
}

export function fieldsOf(line: string, names: string[], kinds: string[]): void {
  const [fields] = string.match(line, "^%S+ %S+ %S+(.-)%-%-");
  for (const [name, kind] of string.gmatch(fields as string, "(%S+):(%S+)")) {
    names.push(name as string);
    kinds.push(kind as string);
  }
}

export function findZero(s: string, from: number): number {
  const [found] = string.find(s, "\0", from + 1, true);
  return found === undefined ? -1 : found - 1;
}

export function byte(value: number): string {
  return string.char(value);
}

export function join(pieces: string[]): string {
  return table.concat(pieces);
}

export function shr(value: number, bits: number): number {
  return shiftRight(value, bits);
}

export function wrapDiff(later: number, earlier: number): number {
  const diff = later - earlier;
  const b3 = shiftRight(diff, 24) & 255;
  const high = b3 >= 128 ? b3 - 256 : b3;
  return high * 16777216 + (diff & 16777215);
}

export function idiv(a: number, b: number): number {
  return floorDiv(a, b);
}

export function bytes4(a: number, b: number, c: number, d: number): string {
  return string.char(a, b, c, d);
}

export function bytes8(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number): string {
  return string.char(a, b, c, d, e, f, g, h);
}

/** All 32 bits, whatever the size of an integer. */
const word = (1 << 31) | 0x7fffffff;
const letters: Record<string, string> = { u8: "B", u16: "I2", i16: "I2", u32: "I4", i32: "I4", text: "s1" };
const masks: Record<string, number> = { u8: 255, u16: 65535, i16: 65535, u32: word, i32: word };
/** Format of `string.pack` and masks of the numbers: they stand in the table of kinds itself, and go when it goes. */
interface Packed {
  format?: string;
  masks?: (number | undefined)[];
}

export function header8(data: string): number[] {
  return [...string.unpack("<BBBBBBI2", data)] as number[];
}

const numberFormats: Record<string, string> = { u8: "<B", u16: "<I2", i16: "<i2", u32: "<I4", i32: "<i4" };

export function numberAt(kind: string, bytes: string, from: number): number {
  const [value] = string.unpack(numberFormats[kind] as string, bytes, from + 1);
  return value as number;
}

export function packFields(kinds: string[] & Packed, values: (number | string)[]): string {
  let { format } = kinds;
  if (format === undefined) {
    format = "<";
    const list: (number | undefined)[] = [];
    for (let i = 0; i < kinds.length; i += 1) {
      const letter = letters[kinds[i] as string];
      if (letter !== undefined) format += letter;
      list[i] = masks[kinds[i] as string];
    }
    kinds.format = format;
    kinds.masks = list;
  }
  const list = kinds.masks as (number | undefined)[];
  for (let i = 0; i < values.length; i += 1) {
    const mask = list[i];
    if (mask !== undefined) values[i] = (values[i] as number) & mask;
  }
  return string.pack(format, ...values);
}
