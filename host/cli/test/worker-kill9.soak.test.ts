import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replay, SqliteJournal } from "@mltb/bench";
import { random } from "@mltb/simulators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example, mltb, type Running, run, start, tracked } from "./mltb.ts";
import { askControl, powerCommands } from "./power-commands.ts";

const KILLS = process.env["MLTB_LONG"] === "1" ? 100 : 3;
/** A run of both targets lasts a little longer than this; kills are spread over it. */
const SPAN_MS = 7000;
const targets = ["local-cpu", "local-wasm"];

const folder = mkdtempSync(join(tmpdir(), "mltb-worker-kill-"));
const state = join(folder, "state");
const socket = join(folder, "control");
let bay: Running;

beforeAll(async () => {
  const where = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state", state, "--sim-control", socket];
  bay = await start("up", "--bay", example("demo-bay.yml"), ...where, "--json");
});

afterAll(async () => {
  await bay.end();
  rmSync(folder, { recursive: true, force: true });
});

/** True voltage of a target's rail, from the physics. */
async function rail(target: string): Promise<number> {
  return (await askControl(socket, { get: "rail", target }))["voltage_v"] as number;
}

const flags = [
  "--set",
  "measure={windows: 2, window_s: 0.2, warmup: 1}",
  "--set",
  "models=[{name: m, generate: ds-cnn-kws}]",
  "--state",
  state,
  "--out",
  join(folder, "results"),
];

/** Starts a run and kills its process, and nothing else, after a time; tells whether a rail was live then. */
async function killedRun(after_ms: number): Promise<boolean> {
  const child = tracked(
    spawn(process.execPath, [mltb, "run", example("quickstart.yml"), ...flags], { stdio: "ignore" }),
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, after_ms))]);
  const live = (await Promise.all(targets.map(rail))).some((volts) => volts > 4);
  child.kill("SIGKILL");
  await ended;
  return live && child.signalCode === "SIGKILL";
}

/** Waits until every rail is discharged; tells which one is not after far more time than a lease's end may take. */
async function allOff(): Promise<string[]> {
  let live: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    const volts = await Promise.all(targets.map(rail));
    live = targets.filter((_, t) => (volts[t] as number) > 0.3);
    if (live.length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return live;
}

test(`kill -9 of a run's process at ${KILLS} moments: every target is off afterwards, and the bay goes on`, async () => {
  const source = random(1);
  let live = 0;
  for (let i = 0; i < KILLS; i += 1) {
    const after_ms = 500 + (SPAN_MS * (i + source.uniform())) / KILLS;
    if (await killedRun(after_ms)) live += 1;
    expect([i, Math.round(after_ms), await allOff()]).toEqual([i, Math.round(after_ms), []]);
  }
  // A kill while every rail was off anyway proves nothing.
  expect(live).toBeGreaterThan(KILLS / 4);
});

test("a run whose process died goes on from its journal and has every result", async () => {
  const known = (await list()).map((row) => row.run_id);
  // Killed as soon as its board is in use: the journal then has steps under way.
  const child = tracked(
    spawn(process.execPath, [mltb, "run", example("quickstart.yml"), ...flags], { stdio: "ignore" }),
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  while ((await rail("local-cpu")) < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await ended;
  const mine = (await list()).find((row) => !known.includes(row.run_id));
  expect(mine?.status).toBe("interrupted");
  const resumed = await run("experiment", "resume", mine?.run_id ?? "", "--state", state, "--json");
  expect(resumed.err).not.toContain("error:");
  const document = JSON.parse(resumed.out) as { results: { target: string; latency_us: unknown }[] };
  expect(document.results.map((record) => [record.target, record.latency_us !== null])).toEqual([
    ["local-cpu", true],
    ["local-wasm", true],
  ]);
  expect(await allOff()).toEqual([]);
  expect((await list()).find((row) => row.run_id === mine?.run_id)?.status).toBe("ended");
});

async function list(): Promise<{ run_id: string; status: string }[]> {
  const { out } = await run("experiment", "list", "--state", state, "--json");
  return (JSON.parse(out) as { runs: { run_id: string; status: string }[] }).runs;
}

test("no board was ever told what it had done already, and by no action that the journal of its run does not have", async () => {
  const journal = new SqliteJournal(join(state, "experiments.sqlite"));
  const started = new Set<string>();
  for (const { run_id } of journal.runs()) {
    const events = await journal.read(run_id, 0);
    // A journal that does not fit itself is told.
    replay(events);
    for (const event of events)
      if (event.type === "started") started.add(`${run_id}/${event.node}/${event.phase}/${event.attempt}`);
  }
  journal.close();
  const commands = powerCommands(state);
  expect(commands.filter(({ action }) => action !== undefined).length).toBeGreaterThan(KILLS);
  for (const { action } of commands) if (action !== undefined) expect(started).toContain(action);
  for (const target of targets) {
    const states = commands.filter((command) => command.target === target && command.status === "done");
    const repeated = states.filter(({ state: to }, n) => to === (states[n - 1]?.state ?? "off"));
    expect([target, repeated]).toEqual([target, []]);
  }
});
