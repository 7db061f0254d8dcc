import { type Body, decodeBody, encodeBody } from "../schema/codec.ts";
import { fingerprint } from "../schema/fingerprint.ts";
import { type BodyOf, type Descriptor, parseLine } from "../schema/message.ts";
import { coreMessages } from "./core.ts";
import { measureMessages } from "./measure.ts";
import { panelMessages } from "./panel.ts";
import { powerMessages } from "./power.ts";

type Table = typeof coreMessages & typeof powerMessages & typeof measureMessages & typeof panelMessages;

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

const byId: Descriptor[] = [];
const byName: Record<string, Descriptor> = {};
const index: Record<number, Descriptor> = {};

function load(lines: Record<string, string>): void {
  for (const name in lines) {
    const descriptor = parseLine(name, lines[name] as string);
    byName[name] = descriptor;
    index[descriptor.id] = descriptor;
    byId.push(descriptor);
  }
}

load(coreMessages);
load(powerMessages);
load(measureMessages);
load(panelMessages);

// Insertion sort by id: iteration order of a table differs between builds of Lua, the fingerprint must not.
for (let i = 1; i < byId.length; i += 1) {
  const d = byId[i] as Descriptor;
  let j = i - 1;
  while (j >= 0 && (byId[j] as Descriptor).id > d.id) {
    byId[j + 1] = byId[j] as Descriptor;
    j -= 1;
  }
  byId[j + 1] = d;
}

/** All messages in the order of their ids. */
export function allMessages(): Descriptor[] {
  return byId;
}

export function messageNamed(name: string): Descriptor | undefined {
  return byName[name];
}

export function messageById(id: number): Descriptor | undefined {
  return index[id];
}

/** Fingerprint of the whole table, exchanged in hello and welcome. */
export function tableFingerprint(): number {
  return fingerprint(byId);
}

/** Body bytes of a message. */
export function encode<N extends MessageName>(name: N, body: Message<N>): string {
  return encodeBody(byName[name] as Descriptor, body as unknown as Body);
}

/** Body of a message from its bytes, or undefined where they are damaged. */
export function decode<N extends MessageName>(name: N, bytes: string): Message<N> | undefined {
  return decodeBody(byName[name] as Descriptor, bytes) as unknown as Message<N> | undefined;
}
