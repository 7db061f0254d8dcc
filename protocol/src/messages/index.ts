import { slice } from "#platform";
import { crc16 } from "../bytes/crc16.ts";
import type { Crc } from "../frame/seal.ts";
import { type Body, decodeBody, encodeBody } from "../schema/codec.ts";
import { fingerprint } from "../schema/fingerprint.ts";
import { type BodyOf, type Descriptor, idOf, parseLine } from "../schema/message.ts";
import { coreMessages } from "./core.ts";
import { describeMessages } from "./describe.ts";
import { measureMessages } from "./measure.ts";
import { panelMessages } from "./panel.ts";
import { powerMessages } from "./power.ts";
import { protectionMessages } from "./protection.ts";

type Table = typeof coreMessages &
  typeof describeMessages &
  typeof powerMessages &
  typeof measureMessages &
  typeof panelMessages &
  typeof protectionMessages;

/** Names of all messages. */
export type MessageName = keyof Table;
/** The body type of a message. */
export type Message<N extends MessageName> = BodyOf<Table[N]>;

type Answer<Line> = Line extends `${string} request:${infer A} ${string}` ? (A extends MessageName ? A : never) : never;
/** Names of requests, and the message that answers one. */
export type RequestName = {
  [N in MessageName]: Table[N] extends `${string} request:${string}` ? N : never;
}[MessageName];
export type AnswerOf<N extends RequestName> = Answer<Table[N]>;

const lines: Record<string, string> = {};
const nameOf: Record<number, string> = {};
const ids: number[] = [];
/** Lines that were needed so far: a parsed message takes a board a kilobyte of heap, and most boards use few of them. */
const parsed: Record<string, Descriptor> = {};
let ownFingerprint = -1;

function load(table: Record<string, string>): void {
  for (const name in table) {
    const line = table[name] as string;
    const id = idOf(line);
    lines[name] = line;
    nameOf[id] = name;
    // Insertion in order of ids: iteration order of a table differs between builds of Lua, the fingerprint must not.
    let at = ids.length;
    while (at > 0 && (ids[at - 1] as number) > id) {
      ids[at] = ids[at - 1] as number;
      at -= 1;
    }
    ids[at] = id;
  }
}

load(coreMessages);
load(describeMessages);
load(powerMessages);
load(measureMessages);
load(panelMessages);
load(protectionMessages);

/** All messages in the order of their ids. */
export function allMessages(): Descriptor[] {
  const list: Descriptor[] = [];
  for (const id of ids) list.push(messageById(id) as Descriptor);
  return list;
}

export function messageNamed(name: string): Descriptor | undefined {
  const known = parsed[name];
  if (known !== undefined) return known;
  const line = lines[name];
  if (line === undefined) return undefined;
  const descriptor = parseLine(name, line);
  parsed[name] = descriptor;
  return descriptor;
}

export function messageById(id: number): Descriptor | undefined {
  const name = nameOf[id];
  return name === undefined ? undefined : messageNamed(name);
}

/**
 * Fingerprint of the whole table, exchanged in hello and welcome. The first call reads every line: a board makes it while
 * it starts. `crc` is the CRC-16 of the runtime, where that is faster.
 */
export function tableFingerprint(crc: Crc = crc16): number {
  if (ownFingerprint < 0) {
    ownFingerprint = 65535;
    for (const id of ids) {
      const name = nameOf[id] as string;
      ownFingerprint = fingerprint(parseLine(name, lines[name] as string), ownFingerprint, crc);
    }
  }
  return ownFingerprint;
}

/**
 * Lines of the table for `describe_answer`, from the message `first` on, as many as fit: whole ids in a row, without the
 * sentences that explain them to people.
 */
export function tableLines(first: number, bytes: number): { next: number; data: string } {
  let data = "";
  for (const id of ids) {
    if (id < first) continue;
    const name = nameOf[id] as string;
    const line = lines[name] as string;
    const text = `${name} ${slice(line, 0, line.indexOf("--") + 2)}\n`;
    if (data.length + text.length > bytes) return { next: id, data };
    data += text;
  }
  return { next: 0, data };
}

/** Body bytes of a message. */
export function encode<N extends MessageName>(name: N, body: Message<N>): string {
  return encodeBody(messageNamed(name) as Descriptor, body as unknown as Body);
}

/** Body of a message from its bytes, or undefined where they are damaged. */
export function decode<N extends MessageName>(name: N, bytes: string): Message<N> | undefined {
  return decodeBody(messageNamed(name) as Descriptor, bytes) as unknown as Message<N> | undefined;
}
