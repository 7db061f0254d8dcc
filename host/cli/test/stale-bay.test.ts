import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootId, processStart } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import { lockFolder } from "../src/bay/folder-lock.ts";
import { type BayState, runningBay, thisProcess, writeState } from "../src/bay/state.ts";
import { example, run, start, tracked } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-stale-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A process that lives, and has nothing to do with a bay. */
const other = tracked(spawn("sleep", ["600"], { stdio: "ignore" }));
const pid = other.pid as number;

/** What a bay left behind that did not end cleanly. */
function left(name: string, process: Partial<BayState>): string {
  const state = join(folder, name);
  mkdirSync(state);
  const facts = { schema: "mltb.bay-state/1", bay: "demo", http: "http://127.0.0.1:1", targets: [], reloads: true };
  writeFileSync(join(state, "bay.json"), JSON.stringify({ ...facts, bay_file: example("demo-bay.yml"), ...process }));
  return state;
}
const up = (name: string, process: Partial<BayState>): boolean => runningBay(left(name, process)) !== undefined;

test("a bay is up while the process that wrote its file lives, and not where another has its number", ({ skip }) => {
  const started = processStart(pid);
  if (started === null) return skip("this system has no /proc");
  expect(up("itself", { pid, boot_id: bootId(), start_ticks: started })).toBe(true);
  expect(up("another start", { pid, boot_id: bootId(), start_ticks: started - 1 })).toBe(false);
  expect(up("another boot", { pid, boot_id: "0-0", start_ticks: started })).toBe(false);
  // Process 1 belongs to somebody else, or is what runs this in a container: it is there in either case.
  expect(up("somebody else's", { pid: 1, boot_id: bootId(), start_ticks: started })).toBe(false);
  expect(up("told by its number alone", { pid })).toBe(false);
  const gone = spawnSync("true").pid;
  expect(up("gone", { pid: gone, boot_id: bootId(), start_ticks: started })).toBe(false);
});

test("the number of the very process that asks counts only where it has brought the bay up itself", () => {
  const state = left("own number", { ...thisProcess() });
  expect(runningBay(state)).toBeUndefined();
  writeState(state, JSON.parse(readFileSync(join(state, "bay.json"), "utf8")) as BayState);
  expect(runningBay(state)).toMatchObject({ pid: process.pid });
});

test("after a power cut a bay starts although its number is another's, who is not signalled; it alone has the folder until its process ends", async () => {
  const state = left("power cut", { pid, boot_id: bootId(), start_ticks: 1 });
  const reload = await run("reload", "--state", state);
  expect([reload.code, reload.err]).toEqual([4, expect.stringContaining("no bay is up")]);
  expect(other.exitCode ?? other.signalCode).toBeNull();

  const unlock = lockFolder(state);
  expect(lockFolder(state)).toBeUndefined();
  const second = await run("up", "--bay", example("demo-bay.yml"), "--state", state);
  expect([second.code, second.err]).toEqual([4, expect.stringContaining("another bay comes up or ends")]);
  unlock?.();

  const ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const bay = await start("up", "--bay", example("demo-bay.yml"), ...ports, "--state", state, "--json");
  expect(bay.ready).toMatchObject({ event: "ready", bay: "demo" });
  expect(lockFolder(state)).toBeUndefined();
  process.kill((runningBay(state) as BayState).pid, "SIGKILL");
  await expect.poll(() => lockFolder(state), { timeout: 10_000 }).toBeTypeOf("function");
  expect(runningBay(state)).toBeUndefined();
});
