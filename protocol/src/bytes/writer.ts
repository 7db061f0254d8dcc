import { byte, join, shr } from "#platform";

/** Collects pieces of a message and joins them once. */
export interface Writer {
  pieces: string[];
}

export function writer(): Writer {
  return { pieces: [] };
}

export function putU8(w: Writer, value: number): void {
  w.pieces.push(byte(value & 255));
}

export function putU16(w: Writer, value: number): void {
  w.pieces.push(byte(value & 255) + byte(shr(value & 65535, 8)));
}

/** Writes 32 bits; a negative number goes as two's complement, so that `i32` uses the same path. */
export function putU32(w: Writer, value: number): void {
  w.pieces.push(
    byte(value & 255) + byte(shr(value, 8) & 255) + byte(shr(value, 16) & 255) + byte(shr(value, 24) & 255),
  );
}

export function putBytes(w: Writer, bytes: string): void {
  w.pieces.push(bytes);
}

export function written(w: Writer): string {
  return join(w.pieces);
}
