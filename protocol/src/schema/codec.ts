import { packFields, slice, unpackFields } from "#platform";
import { getBytes, getI16, getI32, getU8, getU16, getU32, reader, remaining } from "../bytes/reader.ts";
import type { Descriptor } from "./message.ts";

/** A body as seen by the codec; the message table gives each its exact type. */
export type Body = Record<string, number | string>;

type Pack = (this: void, names: string[], kinds: string[], body: Body) => string;
type Unpack = (this: void, names: string[], kinds: string[], bytes: string) => Body | undefined;

let packInRuntime: Pack | undefined;
let unpackInRuntime: Unpack | undefined;

/** Has the runtime do both directions from here on, by the same rules. A board calls it once, while it starts. */
export function useRuntimeCodec(pack: Pack | undefined, unpack: Unpack | undefined): void {
  packInRuntime = pack;
  unpackInRuntime = unpack;
}

/** Bytes of a body, fields in the order of the line. Text longer than 255 bytes is cut; a missing field is zero. */
export function encodeBody(descriptor: Descriptor, body: Body): string {
  if (packInRuntime !== undefined) return packInRuntime(descriptor.names, descriptor.kinds, body);
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
  if (unpackInRuntime !== undefined) return unpackInRuntime(descriptor.names, descriptor.kinds, bytes);
  const body: Body = {};
  const { fixed, names, size } = descriptor;
  if (size >= 0 && bytes.length >= size) {
    // The usual case, in one call of the runtime: nothing but numbers, and all of them are there.
    const values = unpackFields(descriptor.kinds, fixed, bytes);
    for (let i = 0; i < fixed; i += 1) body[names[i] as string] = values[i] as number;
    if (fixed < names.length) body[names[fixed] as string] = slice(bytes, size, bytes.length);
    return body;
  }
  const r = reader(bytes);
  for (let i = 0; i < descriptor.names.length; i += 1) {
    const name = descriptor.names[i] as string;
    const kind = descriptor.kinds[i] as string;
    const missing = remaining(r) === 0;
    if (kind === "text") body[name] = missing ? "" : getBytes(r, getU8(r));
    else if (kind === "rest") body[name] = getBytes(r, remaining(r));
    else if (missing) body[name] = 0;
    else if (kind === "u8") body[name] = getU8(r);
    else if (kind === "u16") body[name] = getU16(r);
    else if (kind === "i16") body[name] = getI16(r);
    else if (kind === "u32") body[name] = getU32(r);
    else body[name] = getI32(r);
    if (!r.ok) return undefined;
  }
  return body;
}
