import { createHash } from "node:crypto";
import { buildBundle } from "@mltb/firmware";
import { bundleBytecode } from "@mltb/firmware/images";
import { BundleFormat } from "@mltb/protocol";
import type { Bench } from "./bench.ts";

/** The statement that names the version, in the packed bundle. */
const ENTRY = /(?<=VERSION_\d+=)"0\.1\.0"/g;
/** The first thing that a boot does. */
const BOOT = /local before=/g;
/** A place that every tick of the board passes, behind which `now_ms` is known. */
const TICK = /local fresh=monitors\.\w+\(now_ms\)/g;

/** What a test bundle does beside what every bundle does. */
const changes = {
  /** Nothing, under another version. */
  newer: [ENTRY, () => '"0.1.1"'],
  "fails to boot": [ENTRY, () => '"0.1.2"; error("cannot boot")'],
  "fails unless another bundle hands over": [BOOT, (it) => `if kept == "" then error("cold") end ${it}`],
  "fails after a second": [TICK, (it) => `${it}; if now_ms > 1000 then error("cannot go on") end`],
  "hangs after a second": [TICK, (it) => `${it}; while now_ms > 1000 do end`],
} satisfies Record<string, [RegExp, (found: string) => string]>;
export type Change = keyof typeof changes;

/** Today's bundle with a change, in the form that the board takes. */
export async function changedBundle(change: Change, format: number): Promise<Uint8Array> {
  const { source } = await buildBundle("monitoring");
  const [find, put] = changes[change];
  if (source.match(find)?.length !== 1) throw new Error(`the bundle has no single ${find}`);
  const changed = source.replace(find, put);
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
