import { isMarkedAsUntransferable } from "node:worker_threads";

/** Views in a value, however deep in objects, lists of objects and maps. Lists of plain values are not looked through. */
function viewsIn(value: unknown, found: Uint8Array[]): Uint8Array[] {
  if (value instanceof Uint8Array) found.push(value);
  else if (value instanceof Map) for (const entry of value.values()) viewsIn(entry, found);
  else if (Array.isArray(value)) {
    if (typeof value[0] === "object") for (const entry of value) viewsIn(entry, found);
  } else if (typeof value === "object" && value !== null)
    for (const entry of Object.values(value)) viewsIn(entry, found);
  return found;
}

/** Smaller buffers are copied: Node hands out parts of pools for them. */
const POOLED_BYTES = 64 * 1024;

/** Buffers behind the views of a value that can change threads without a copy. */
export function buffersOf(value: unknown): ArrayBuffer[] {
  const buffers = viewsIn(value, []).map(({ buffer }) => buffer);
  return [...new Set(buffers)].filter(
    (buffer): buffer is ArrayBuffer =>
      buffer instanceof ArrayBuffer && buffer.byteLength > POOLED_BYTES && !isMarkedAsUntransferable(buffer),
  );
}
