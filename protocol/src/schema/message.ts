import { at, slice } from "#platform";
import { Kind } from "../frame/frame.ts";

/**
 * One line of text describes a message: `ID CLASS SENDER FIELDS -- MEANING`.
 *
 *     "0x20 request:power_answer host channel:u8 action:u8 off_ms:u16 check:u16 -- Switches a channel."
 *
 * From the same line come the TypeScript type (below), the codec (`codec.ts`), the documentation and the fingerprint.
 * Field kinds: u8, u16, u32, i16, i32 (little endian), text (length byte + ASCII), rest (all bytes that remain).
 * Fields are only ever appended: a reader gives a missing tail its zero value and ignores surplus bytes.
 */

interface FieldValue {
  u8: number;
  u16: number;
  u32: number;
  i16: number;
  i32: number;
  text: string;
  rest: string;
}

export type FieldKind = keyof FieldValue;

type OneField<S extends string> = S extends `${infer Name}:${infer Type extends FieldKind}`
  ? { [K in Name]: FieldValue[Type] }
  : never;

type Fields<S extends string> = S extends ""
  ? unknown
  : S extends `${infer Head} ${infer Tail}`
    ? OneField<Head> & Fields<Tail>
    : OneField<S>;

type Flat<T> = { [K in keyof T]: T[K] };

/** The type of a message body, read from its line. */
export type BodyOf<Line extends string> = Line extends `${string} ${string} ${string} -- ${string}`
  ? Line extends `${string} ${string} ${infer Sender} ${infer Rest} -- ${string}`
    ? Sender extends "host" | "board" | "both"
      ? Rest extends `-- ${string}` | ""
        ? Record<never, never>
        : Flat<Fields<Rest>>
      : Record<never, never>
    : Record<never, never>
  : never;

/** A parsed line. `answer` is the name of the response of a request. */
export interface Descriptor {
  name: string;
  id: number;
  kind: string;
  /** The number of the kind in a frame's header. */
  kindNumber: number;
  answer: string;
  sender: string;
  names: string[];
  kinds: string[];
  /** Fields before one of kind `rest`, which stands last. */
  fixed: number;
  /** The whole line. */
  line: string;
}

const kinds: Record<string, number> = Kind;

function words(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  while (from <= text.length) {
    let end = text.indexOf(" ", from);
    if (end < 0) end = text.length;
    if (end > from) found.push(slice(text, from, end));
    from = end + 1;
  }
  return found;
}

/** Bytes of a number of this kind. */
export function sizeOf(kind: string): number {
  if (kind === "u8") return 1;
  return kind === "u16" || kind === "i16" ? 2 : 4;
}

/** Id of a message, from the head of its line. */
export function idOf(line: string): number {
  return hexByte(slice(line, 0, 4));
}

function hexByte(text: string): number {
  let value = 0;
  for (let i = 2; i < text.length; i += 1) {
    const c = at(text, i);
    value = value * 16 + (c >= 97 ? c - 87 : c - 48);
  }
  return value;
}

/** Parses a line of the message table. The table's own test rejects malformed lines, so this trusts them. */
export function parseLine(name: string, line: string): Descriptor {
  const dash = line.indexOf("--");
  const head = words(slice(line, 0, dash));
  const cls = head[1] as string;
  const colon = cls.indexOf(":");
  const kind = colon < 0 ? cls : slice(cls, 0, colon);
  const descriptor: Descriptor = {
    name,
    id: hexByte(head[0] as string),
    kind,
    kindNumber: kinds[kind] as number,
    answer: colon < 0 ? "" : slice(cls, colon + 1, cls.length),
    sender: head[2] as string,
    names: [],
    kinds: [],
    fixed: 0,
    line,
  };
  for (let i = 3; i < head.length; i += 1) {
    const field = head[i] as string;
    const colonAt = field.indexOf(":");
    descriptor.names.push(slice(field, 0, colonAt));
    const type = slice(field, colonAt + 1, field.length);
    descriptor.kinds.push(type);
    if (type !== "rest") descriptor.fixed += 1;
  }
  return descriptor;
}
