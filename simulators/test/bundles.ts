import { createHash } from "node:crypto";
import { buildBundle } from "@mltb/firmware";
import { bundleBytecode } from "@mltb/firmware/images";
import { BundleFormat } from "@mltb/protocol";
import type { Bench } from "./bench.ts";

const ENTRY = 'VERSION = "0.1.0"';
/** The first thing that a boot does. */
const BOOT = "local before = taken(";
/** A place that every tick of the board passes. */
const TICK = "local fresh = monitors.tick(now_ms)";

/** What a test bundle does beside what every bundle does. */
const changes = {
  /** Nothing, under another version. */
  newer: [ENTRY, 'VERSION = "0.1.1"'],
  "fails to boot": [ENTRY, 'VERSION = "0.1.2"; error("cannot boot")'],
  "fails unless another bundle hands over": [BOOT, `if kept == "" then error("cold") end ${BOOT}`],
  "fails after a second": [TICK, `${TICK}; if now_ms > 1000 then error("cannot go on") end`],
  "hangs after a second": [TICK, `${TICK}; while now_ms > 1000 do end`],
} as const;
export type Change = keyof typeof changes;

/** Today's bundle with a change, in the form that the board takes. */
export async function changedBundle(change: Change, format: number): Promise<Uint8Array> {
  const { source } = await buildBundle("monitoring");
  const [find, put] = changes[change];
  if (source.split(find).length !== 2) throw new Error(`the bundle has no single ${find}`);
  const changed = source.replace(find, () => put);
  return format === BundleFormat.source ? Buffer.from(changed, "latin1") : bundleBytecode(changed);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest().toString("latin1");
}

/** Most that fits into a `firmware_write`. */
const PART_BYTES = 224;

/** Opens the transfer and writes all of a bundle; throws at the first refusal. */
export async function transfer(bench: Bench, bytes: Uint8Array, format: number): Promise<void> {
  const text = Buffer.from(bytes).toString("latin1");
  const opened = await bench.request("firmware_open", { size: bytes.length, format, hash: sha256(bytes) });
  if (opened.kind !== "answer") throw new Error(`firmware_open: ${JSON.stringify(opened)}`);
  for (let offset = 0; offset < text.length; offset += PART_BYTES) {
    const written = await bench.request("firmware_write", { offset, data: text.slice(offset, offset + PART_BYTES) });
    if (written.kind !== "answer") throw new Error(`firmware_write ${offset}: ${JSON.stringify(written)}`);
  }
}
