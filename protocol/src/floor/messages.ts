/**
 * The message table of floor boards: core and power, from the same lines as the whole table (`messages/index.ts`), read by
 * Lua's patterns. Without `describe`: a host that hears another fingerprint than its own is refused a description and
 * speaks its own words, which these are.
 */
import { encodeBody } from "#codec";
import { coreMessages } from "../messages/core.ts";
import type { Message, MessageName } from "../messages/index.ts";
import { powerMessages } from "../messages/power.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";

const lines: Record<string, string> = {};
const nameOf: Record<number, string> = {};
const parsed: Record<string, Descriptor> = {};

for (const table of [coreMessages, powerMessages] as Record<string, string>[]) {
  for (const name in table) {
    const line = table[name] as string;
    const [id] = string.match(line, "0x%x+");
    lines[name] = line;
    nameOf[tonumber(id) as number] = name;
  }
}

export function messageNamed(name: string): Descriptor | undefined {
  const line = lines[name];
  if (parsed[name] === undefined && line !== undefined) {
    const [id, kind, fields] = string.match(line, "(%S+) (%a+)(.*)");
    const names: string[] = [];
    const kinds: string[] = [];
    for (const [field, type] of string.gmatch(fields as string, "(%S+):(%S+)")) {
      names.push(field as string);
      kinds.push(type as string);
    }
    parsed[name] = { name, id: tonumber(id), kind, names, kinds } as Descriptor;
  }
  return parsed[name];
}

export function messageById(id: number): Descriptor | undefined {
  const name = nameOf[id];
  return name === undefined ? undefined : messageNamed(name);
}

export function encode<N extends MessageName>(name: N, body: Message<N>): string {
  return encodeBody(messageNamed(name) as Descriptor, body as unknown as Body);
}

/** Nothing: this table is not described. */
export function tableLines(_first: number, _bytes: number): { next: number; data: string } {
  return { next: 0, data: "" };
}
