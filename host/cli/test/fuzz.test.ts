import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mltb-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  err: string;
}

/** `npm run fuzz --` with a state file in the test's folder. */
function fuzz(state: string, ...args: string[]): Promise<Ended> {
  const all = [path("bootstrap/run.mjs"), path("src/fuzz.ts"), "--state", join(folder, state), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, (error, _out, err) => resolve({ code: Number(error?.code ?? 0), err }));
  });
}

/** What a state file holds that must not depend on where a run was interrupted; heaps do. */
function sums(state: string): { bytes: number; rounds: number; frames: object; accepted: object; bodies: number } {
  const { bytes, rounds, frames, accepted, bodies } = JSON.parse(readFileSync(join(folder, state), "utf8")).tally;
  return { bytes, rounds, frames, accepted, bodies };
}

test("a run that goes on from its state file comes to the same sums as one without a break; another seed's file is refused", {
  timeout: 300_000,
}, async () => {
  const first = await fuzz("parts.json", "--bytes", "60000");
  expect(first.code, first.err).toBe(0);
  const half = sums("parts.json");
  const second = await fuzz("parts.json", "--bytes", "120000");
  expect(second.code, second.err).toBe(0);
  expect(second.err).toContain(`resumed at round ${half.rounds}, ${half.bytes} bytes`);
  const resumed = sums("parts.json");
  expect(resumed.rounds).toBeGreaterThan(half.rounds);

  const whole = await fuzz("whole.json", "--bytes", "120000");
  expect(whole.code, whole.err).toBe(0);
  expect(whole.err).not.toContain("resumed");
  expect(resumed).toEqual(sums("whole.json"));

  const other = await fuzz("parts.json", "--bytes", "200000", "--seed", "2");
  expect(other.code).toBe(2);
  expect(other.err).toContain("belongs to seed 1");
  expect(sums("parts.json")).toEqual(resumed);

  const again = await fuzz("parts.json", "--bytes", "60000");
  expect(again.err).toContain("holds a finished run");
  expect(sums("parts.json")).toEqual(half);
});
