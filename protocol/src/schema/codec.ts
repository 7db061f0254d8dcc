import { at, numberAt, packFields, slice } from "#platform";
import { type Descriptor, sizeOf, useLines } from "./message.ts";

/** A body as seen by the codec; the message table gives each its exact type. */
export type Body = Record<string, number | string>;

type Pack = (this: void, line: string, body: Body) => string;
type Unpack = (this: void, line: string, bytes: string) => Body | undefined;

let packInRuntime: Pack | undefined;
let unpackInRuntime: Unpack | undefined;

/** Has the runtime do both directions from here on, by the lines and the same rules. A board calls it once, while it starts. */
export function useRuntimeCodec(pack: Pack | undefined, unpack: Unpack | undefined): void {
  packInRuntime = pack;
  unpackInRuntime = unpack;
  if (pack !== undefined && unpack !== undefined) useLines();
}

/** Bytes of a body, fields in the order of the line. Text longer than 255 bytes is cut; a missing field is zero. */
export function encodeBody(descriptor: Descriptor, body: Body): string {
  if (packInRuntime !== undefined) return packInRuntime(descriptor.line, body);
  const values: (number | string)[] = [];
  const { names, kinds, fixed } = descriptor;
  for (let i = 0; i < fixed; i += 1) {
    const value = body[names[i] as string];
    if (value === undefined) values[i] = kinds[i] === "text" ? "" : 0;
    else values[i] = kinds[i] === "text" ? slice(value as string, 0, 255) : value;
  }
  const bytes = packFields(kinds, values);
  if (fixed === names.length) return bytes;
  const rest = body[names[fixed] as string] as string | undefined;
  return rest === undefined ? bytes : bytes + rest;
}

/**
 * Fields of a body. A tail that is missing altogether takes zero values (an older sender); a field cut in half means
 * damage or a foreign layout and gives undefined. Surplus bytes (a newer sender) are ignored.
 */
export function decodeBody(descriptor: Descriptor, bytes: string): Body | undefined {
  if (unpackInRuntime !== undefined) return unpackInRuntime(descriptor.line, bytes);
  const body: Body = {};
  const { names, kinds } = descriptor;
  let from = 0;
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    const kind = kinds[i] as string;
    const left = bytes.length - from;
    let size = left;
    if (kind === "rest") {
      body[name] = slice(bytes, from, bytes.length);
    } else if (left === 0) {
      body[name] = kind === "text" ? "" : 0;
    } else if (kind === "text") {
      size = at(bytes, from) + 1;
      if (size > left) return undefined;
      body[name] = slice(bytes, from + 1, from + size);
    } else {
      size = sizeOf(kind);
      if (size > left) return undefined;
      body[name] = numberAt(kind, bytes, from);
    }
    from += size;
  }
  return body;
}
