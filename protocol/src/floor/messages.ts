/**
 * The message table of floor boards: core and power, from the same lines as the whole table (`messages/index.ts`), as the
 * build leaves them: id, class and fields. A line is read each time it is needed; what it says is nowhere kept apart,
 * because memory is scarcer than time here. Without `describe`: a host that hears another fingerprint than its own is
 * refused a description and speaks its own words, which these are.
 */
import { Kind } from "../frame/frame.ts";
import { coreMessages } from "../messages/core.ts";
import { powerMessages } from "../messages/power.ts";
import type { Descriptor } from "../schema/message.ts";

const kinds: Record<string, number> = Kind;
const lines: Record<string, string> = {};
const nameOf: Record<number, string> = {};

for (const table of [coreMessages, powerMessages] as Record<string, string>[]) {
  for (const name in table) {
    const line = table[name] as string;
    lines[name] = line;
    nameOf[tonumber(string.sub(line, 1, 4)) as number] = name;
  }
}

export function messageNamed(name: string): Descriptor | undefined {
  const line = lines[name];
  if (line === undefined) return undefined;
  const [id, kind] = string.match(line, "(%S+) (%a+)");
  return { name, id: tonumber(id), kindNumber: kinds[kind as string], line } as Descriptor;
}

export function messageById(id: number): Descriptor | undefined {
  const name = nameOf[id];
  return name === undefined ? undefined : messageNamed(name);
}

/** Nothing: this table is not described. */
export function tableLines(_first: number, _bytes: number): { next: number; data: string } {
  return { next: 0, data: "" };
}
