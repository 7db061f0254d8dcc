import { PARSED_LINES, slice } from "#platform";
import { type Body, decodeBody, encodeBody } from "../schema/codec.ts";
import { type BodyOf, type Descriptor, idOf, parseLine } from "../schema/message.ts";
import { coreMessages } from "./core.ts";
import { describeMessages } from "./describe.ts";
import { lineMessages } from "./lines.ts";
import { measureMessages } from "./measure.ts";
import { panelMessages } from "./panel.ts";
import { powerMessages } from "./power.ts";
import { protectionMessages } from "./protection.ts";
import { rackMessages } from "./rack.ts";
import { settingsMessages } from "./settings.ts";
import { transferMessages } from "./transfer.ts";

type Table = typeof coreMessages &
  typeof describeMessages &
  typeof powerMessages &
  typeof measureMessages &
  typeof panelMessages &
  typeof protectionMessages &
  typeof rackMessages &
  typeof lineMessages &
  typeof settingsMessages &
  typeof transferMessages;

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

const tables: Record<string, string>[] = [];
const nameOf: Record<number, string> = {};
const ids: number[] = [];
/**
 * Lines that were needed, at most `PARSED_LINES` of them: a parsed message takes a board a kilobyte of heap, all of them would take
 * what the collector needs. When there are as many, parsing begins anew with those that are in use.
 */
let parsed: Record<string, Descriptor> = {};
let held = 0;

function load(table: Record<string, string>): void {
  tables.push(table);
  for (const name in table) {
    const line = table[name] as string;
    const id = idOf(line);
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
load(lineMessages);
load(settingsMessages);
load(transferMessages);
load(rackMessages);

function lineOf(name: string): string | undefined {
  for (const table of tables) {
    const line = table[name];
    if (line !== undefined) return line;
  }
  return undefined;
}

/** All messages in the order of their ids. */
export function allMessages(): Descriptor[] {
  const list: Descriptor[] = [];
  for (const id of ids) list.push(messageById(id) as Descriptor);
  return list;
}

export function messageNamed(name: string): Descriptor | undefined {
  const known = parsed[name];
  if (known !== undefined) return known;
  const line = lineOf(name);
  if (line === undefined) return undefined;
  const descriptor = parseLine(name, line);
  if (held === PARSED_LINES) {
    parsed = {};
    held = 0;
  }
  held += 1;
  parsed[name] = descriptor;
  return descriptor;
}

export function messageById(id: number): Descriptor | undefined {
  const name = nameOf[id];
  if (name === undefined) return undefined;
  const known = parsed[name];
  return known === undefined ? messageNamed(name) : known;
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
    const line = lineOf(name) as string;
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
