import { at, byte, findZero, join, slice } from "#platform";

/**
 * Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999) by runs: string search and slicing do the work, so
 * that an interpreter pays per zero byte and not per byte. The delimiter is not part of the result.
 */
export function cobsEncode(data: string): string {
  const pieces: string[] = [];
  const length = data.length;
  let from = 0;
  while (true) {
    let zero = findZero(data, from);
    if (zero < 0) zero = length;
    while (zero - from >= 254) {
      pieces.push(byte(255));
      pieces.push(slice(data, from, from + 254));
      from += 254;
      // A full run that ends the data needs no further code byte.
      if (from === length) return join(pieces);
    }
    pieces.push(byte(zero - from + 1));
    pieces.push(slice(data, from, zero));
    if (zero === length) return join(pieces);
    from = zero + 1;
  }
}

/** The decoded bytes, or undefined where `data` is not a COBS block (a code byte points past the end, or a zero). */
export function cobsDecode(data: string): string | undefined {
  const pieces: string[] = [];
  const length = data.length;
  let i = 0;
  while (i < length) {
    const code = at(data, i);
    if (code === 0 || i + code > length) return undefined;
    pieces.push(slice(data, i + 1, i + code));
    i += code;
    if (code < 255 && i < length) pieces.push("\0");
  }
  return join(pieces);
}
