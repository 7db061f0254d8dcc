import { crc16 } from "../bytes/crc16.ts";
import type { Descriptor } from "./message.ts";

/** What of a message decides how its bytes are read; meanings and field additions elsewhere do not change it. */
function canonical(d: Descriptor): string {
  let text = `${d.name} ${d.id} ${d.kind} ${d.answer} ${d.sender}`;
  for (let i = 0; i < d.names.length; i += 1) text = `${text} ${d.names[i]}:${d.kinds[i]}`;
  return text;
}

/** 16-bit fingerprint of a message table: equal tables, equal numbers. `descriptors` in the order of their ids. */
export function fingerprint(descriptors: Descriptor[]): number {
  let sum = 65535;
  for (const d of descriptors) sum = crc16(`${canonical(d)}\n`, sum);
  return sum;
}
