import type { Crc } from "../frame/seal.ts";
import type { Descriptor } from "./message.ts";

/** What of a message decides how its bytes are read; meanings and field additions elsewhere do not change it. */
function canonical(d: Descriptor): string {
  let text = `${d.name} ${d.id} ${d.kind} ${d.answer} ${d.sender}`;
  for (let i = 0; i < d.names.length; i += 1) text = `${text} ${d.names[i]}:${d.kinds[i]}`;
  return text;
}

/**
 * 16-bit fingerprint of a message table after one more message, in the order of their ids: equal tables, equal numbers.
 * The first message goes onto 65535.
 */
export function fingerprint(message: Descriptor, before: number, crc: Crc): number {
  return crc(`${canonical(message)}\n`, before);
}
