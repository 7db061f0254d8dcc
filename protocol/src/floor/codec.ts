/** Bodies by Lua's own packing, field by field of a line: the twin of `schema/codec.ts` for floor boards. */
import { idiv } from "#platform";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";

const FIELD = "(%S+):(%S+)";

/** Bytes of a number of this kind, such as 2 of `u16`. */
function sizeOf(kind: string): number {
  return idiv(tonumber(string.sub(kind, 2)) as number, 8);
}

export function encodeBody(descriptor: Descriptor, body: Body): string {
  let bytes = "";
  for (const [name, kind] of string.gmatch(descriptor.line, FIELD)) {
    const value = body[name as string];
    if (kind === "rest") bytes += value as string;
    else if (kind === "text") bytes += string.pack("s1", string.sub(value as string, 1, 255));
    else {
      const size = sizeOf(kind as string);
      // The mask of 32 bits is that of a whole word where Lua's integers have no more.
      bytes += string.pack(`<I${size}`, ((value ?? 0) as number) & ((1 << (8 * size)) - 1));
    }
  }
  return bytes;
}

export function decodeBody(descriptor: Descriptor, bytes: string): Body | undefined {
  const body: Body = {};
  let at = 1;
  for (const [field, kind] of string.gmatch(descriptor.line, FIELD)) {
    const name = field as string;
    const left = bytes.length + 1 - at;
    const text = kind === "text";
    if (kind === "rest") body[name] = string.sub(bytes, at);
    else if (left <= 0) body[name] = text ? "" : 0;
    else {
      const size = text ? string.byte(bytes, at) + 1 : sizeOf(kind as string);
      if (left < size) return undefined;
      const [value] = string.unpack(
        text ? "s1" : `<${string.sub(kind as string, 1, 1) === "u" ? "I" : "i"}${size}`,
        bytes,
        at,
      );
      body[name] = value as number | string;
      at += size;
    }
  }
  return body;
}
