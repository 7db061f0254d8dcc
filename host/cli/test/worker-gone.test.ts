import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example, mltb, type Running, run, start, tracked } from "./mltb.ts";
import { askControl, powerCommands } from "./power-commands.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-worker-gone-"));
const state = join(folder, "state");
const socket = join(folder, "control");
const at = ["--state", state];
const measure = "0/measure/local-cpu/m";
/** A run comes to its measurement in seconds, on a busy machine too. */
const PATIENCE_MS = 60_000;
let bay: Running;

beforeAll(async () => {
  const file = join(folder, "keep-bay.yml");
  const text = readFileSync(example("demo-bay.yml"), "utf8");
  // The end of a lease does nothing to this board.
  writeFileSync(file, text.replace("agent: { runtime: ort }", "agent: { runtime: ort }\n        on_lease_end: keep"));
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--sim-control", socket, "--json"];
  bay = await start("up", "--bay", file, ...at, ...free);
});
afterAll(async () => {
  await bay.end();
  rmSync(folder, { recursive: true, force: true });
});

async function rail_v(): Promise<number> {
  return (await askControl(socket, { get: "rail", target: "local-cpu" }))["voltage_v"] as number;
}

interface Shown {
  run_id: string;
  status: string;
  nodes: { node: string; status: string; phase: string | null; unsafe: string | null }[];
}

async function show(run_id: string): Promise<Shown> {
  return JSON.parse((await run("experiment", "show", run_id, ...at, "--json")).out);
}

/** A run whose process was killed while its board was on, its measurement held or under way; gives its id. */
async function killed(held: boolean): Promise<string> {
  const list = async (): Promise<Shown[]> => JSON.parse((await run("experiment", "list", ...at, "--json")).out).runs;
  const known = (await list()).map((row) => row.run_id);
  // Long enough that a busy machine, which looks once in a second or two, sees the measurement.
  const sets = ["targets=[local-cpu]", "models=[{name: m, generate: ds-cnn-kws}]", "measure={windows: 3, window_s: 2}"];
  const args = ["run", example("quickstart.yml"), ...sets.flatMap((set) => ["--set", set]), ...at];
  const child = tracked(
    spawn(process.execPath, [mltb, ...args, "--out", join(folder, "results")], {
      stdio: ["ignore", "ignore", "inherit"],
    }),
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let id: string | undefined;
  const begun = performance.now();
  // What hangs tells where, and leaves the board to the next test.
  const patient = async (what: string): Promise<void> => {
    if (performance.now() - begun < PATIENCE_MS) return;
    child.kill("SIGKILL");
    const shown = id === undefined ? "" : JSON.stringify(await show(id));
    throw new Error(`${what}: ${shown} ${(await run("power", "status", "local-cpu", ...at, "--json")).out}`);
  };
  while (id === undefined) {
    await patient("no run was begun");
    id = (await list()).find((row) => !known.includes(row.run_id))?.run_id;
  }
  if (held) await run("experiment", "hold", id, measure, "--reason", "look", ...at);
  const far = async (): Promise<boolean> => {
    const { nodes } = await show(id as string);
    const under = nodes.find(({ node }) => node === measure);
    const board = nodes.find(({ node }) => node === "board/local-cpu");
    return held
      ? board?.status === "ending" || (board?.status === "running" && board.phase === null)
      : under?.phase === "start";
  };
  while (!((await rail_v()) > 4 && (await far()))) {
    await patient("the run did not come to its measurement");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  await ended;
  expect((await show(id)).status).toBe("interrupted");
  return id;
}

test("cancelling a run whose process died brings its board down, which the end of the lease had left on", async () => {
  const id = await killed(true);
  expect(await rail_v()).toBeGreaterThan(4);
  const cancelled = await run("experiment", "cancel", id, ...at, "--json");
  expect([cancelled.code, JSON.parse(cancelled.out).status], cancelled.err).toEqual([0, "ended"]);
  expect(await rail_v()).toBeLessThan(0.3);
  const target = JSON.parse((await run("power", "status", "local-cpu", ...at, "--json")).out);
  expect(target).toMatchObject({ power: "off", lease: null });
  expect(powerCommands(state, id).map(({ state: to }) => to)).toEqual(["on", "off"]);
}, 120_000);

test("a run that goes on finds its board on as it was: it is switched on once and off once", async () => {
  const id = await killed(false);
  const resumed = await run("experiment", "resume", id, ...at, "--json");
  expect(JSON.parse(resumed.out).results[0].latency_us.n, resumed.err).toBeGreaterThan(0);
  expect(await rail_v()).toBeLessThan(0.3);
  expect(powerCommands(state, id).map(({ state: to }) => to)).toEqual(["on", "off"]);
}, 120_000);

test("a run that was cancelled after its process died measures nothing again when it goes on", async () => {
  const id = await killed(false);
  const before = powerCommands(state, id).length;
  const cancelled = await run("experiment", "cancel", id, ...at);
  expect(cancelled.code, cancelled.err).toBe(0);
  expect(cancelled.err).not.toMatch(/window/);
  expect(
    powerCommands(state, id)
      .slice(before)
      .map(({ state: to }) => to),
  ).toEqual(["off"]);
}, 120_000);

test("a board that somebody else leased after the crash is left to them, and not taken for safe", async () => {
  const id = await killed(true);
  const lease = JSON.parse((await run("lease", "local-cpu", "--for", "5m", ...at, "--json")).out);
  const cancelled = await run("experiment", "cancel", id, ...at);
  expect(cancelled.code, cancelled.err).toBe(4);
  expect(cancelled.out).toMatch(/NOT SAFE: not known to be off: .*local-cpu is leased by/);
  expect(await rail_v()).toBeGreaterThan(4);
  await run("power", "off", "local-cpu", ...at);
  const released = await run("lease", "release", lease.id, ...at);
  expect(released.code, released.err).toBe(0);
}, 120_000);

test("a board whose switch does not open any more after the crash is told not to be safe", async () => {
  const id = await killed(true);
  await askControl(socket, { fault: "stuck-on", target: "local-cpu" });
  const cancelled = await run("experiment", "cancel", id, ...at);
  expect(cancelled.code, cancelled.err).toBe(4);
  expect(cancelled.out).toMatch(/board\/local-cpu +failed +NOT SAFE: /);
  await askControl(socket, { fault: "none", target: "local-cpu" });
  await run("faults", "local-cpu", "--rearm", ...at);
}, 120_000);

test("where no bay is up, cancelling says that the boards were not brought down and what to do", async () => {
  const id = await killed(true);
  expect(await bay.end()).toBe(0);
  const cancelled = await run("experiment", "cancel", id, ...at);
  expect(cancelled.code).toBe(4);
  expect(cancelled.err).toMatch(
    /is cancelled, but its boards were not brought down: no bay is up .*say again: mltb experiment cancel/,
  );
}, 120_000);
