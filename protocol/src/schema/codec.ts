import { packFields, slice } from "#platform";
import { getBytes, getI16, getI32, getU8, getU16, getU32, reader, remaining } from "../bytes/reader.ts";
import type { Descriptor } from "./message.ts";

/** A body as seen by the codec; the message table gives each its exact type. */
export type Body = Record<string, number | string>;

/** Bytes of a body, fields in the order of the line. Text longer than 255 bytes is cut; a missing field is zero. */
export function encodeBody(descriptor: Descriptor, body: Body): string {
  const values: (number | string)[] = [];
  let rest = "";
  for (let i = 0; i < descriptor.names.length; i += 1) {
    const kind = descriptor.kinds[i] as string;
    const value = body[descriptor.names[i] as string];
    if (kind === "rest") rest = value === undefined ? "" : (value as string);
    else if (kind === "text") values.push(value === undefined ? "" : slice(value as string, 0, 255));
    else values.push(value === undefined ? 0 : value);
  }
  const fixed = packFields(descriptor.kinds, values);
  return rest === "" ? fixed : fixed + rest;
}

/**
 * Fields of a body. A tail that is missing altogether takes zero values (an older sender); a field cut in half means
 * damage or a foreign layout and gives undefined. Surplus bytes (a newer sender) are ignored.
 */
export function decodeBody(descriptor: Descriptor, bytes: string): Body | undefined {
  const r = reader(bytes);
  const body: Body = {};
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
