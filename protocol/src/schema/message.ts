import { fieldsOf, headOf, hex, slice } from "#platform";
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

/** A parsed line; after `useLines` name, id, number of the kind and line alone. `answer` is the name of the response of a request. */
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

/** Bytes of a number of this kind. */
export function sizeOf(kind: string): number {
  if (kind === "u8") return 1;
  return kind === "u16" || kind === "i16" ? 2 : 4;
}

/** Id of a message, from the head of its line. */
export function idOf(line: string): number {
  return hex(slice(line, 0, 4));
}

let whole = true;

/** Leaves everything that only hosts and the codec in TypeScript need in the lines from here on: the runtime reads it there. */
export function useLines(): void {
  whole = false;
}

/** Parses a line of the message table. The table's own test rejects malformed lines, so this trusts them. */
export function parseLine(name: string, line: string): Descriptor {
  const [id, kind, answer, sender] = headOf(line);
  const descriptor = { name, id: hex(id as string), kindNumber: kinds[kind as string] as number, line } as Descriptor;
  if (!whole) return descriptor;
  descriptor.kind = kind as string;
  descriptor.answer = answer as string;
  descriptor.sender = sender as string;
  descriptor.names = [];
  descriptor.kinds = [];
  fieldsOf(line, descriptor.names, descriptor.kinds);
  const count = descriptor.kinds.length;
  descriptor.fixed = descriptor.kinds[count - 1] === "rest" ? count - 1 : count;
  return descriptor;
}
