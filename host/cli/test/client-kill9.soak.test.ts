import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../supervisor/test/bay.ts";
import { type KilledBay, killedBay } from "../../supervisor/test/killed-supervisor.ts";
import { scale } from "../../supervisor/test/virtual-commands.ts";
import { mltb, tracked } from "./mltb.ts";
import { powerCommands } from "./power-commands.ts";
import { type WatchedWay, watchedWay } from "./watched-way.ts";

/**
 * A client is killed so long after each of these, and so much later each time until the next one comes first: its request
 * has passed, the switch has opened, the switch has closed (the proof and the answer are still to come).
 */
const ANCHORS = [0, 1, 2];
/** In the short form, of the client that holds a lease: two programs start for each of its kills. */
const OF_LEASE = scale(1, 3, 3) === 1 ? [1] : ANCHORS;
const STEP_MS = scale(1, 20, 1);
/** Kills behind one of them, as many as there is time for where it is not the short form. */
const MOST = scale(1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
const KILLS = scale(1, 8, 100);
const DWELL_MS = 60;
const PATIENCE_MS = 60_000;
const TARGET = "t1";
const path = `/api/v1/targets/${TARGET}`;

let bay: KilledBay;
let way: WatchedWay;
beforeAll(async () => {
  bay = await killedBay(4, TARGET);
  way = await watchedWay(bay.address().http);
  await until(async () => (await bay.api("GET", path)).json.power === "off", PATIENCE_MS);
  expect((await bay.api("PUT", `${path}/power`, { state: "on" })).status).toBe(200);
});
afterAll(async () => {
  await way?.close();
  await bay?.stop();
});

const moves = (): number => bay.moves.get(TARGET) ?? 0;
const cycles = () => powerCommands(bay.state).filter(({ target, state }) => target === TARGET && state === "cycle");
const cycle = ["power", "cycle", TARGET, "--off-ms", String(DWELL_MS)];

/** A command line as a process group of its own, with what it has started. */
function client(args: string[]): { child: ChildProcess; ended: Promise<unknown> } {
  const at = ["--url", way.url, "--token-file", join(bay.state, "token")];
  const dashes = args.includes("--") ? args.indexOf("--") : args.length;
  const line = [mltb, ...args.slice(0, dashes), ...at, ...args.slice(dashes)];
  const child = tracked(spawn(process.execPath, line, { stdio: "ignore", detached: true }));
  return { child, ended: new Promise((resolve) => child.once("exit", resolve)) };
}

/** Kills a client at one moment of its cycle; undefined where its cycle was further by then. */
async function killedAt(args: string[], anchor: number, after_ms: number): Promise<"killed" | undefined> {
  bay.moves.clear();
  const requests = way.switchings();
  const { child, ended } = client(args);
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  while (!gone() && (way.switchings() === requests || moves() < anchor)) await sleep(1);
  await sleep(after_ms);
  const inTime = moves() === anchor && !gone();
  // Its whole group: what it has started dies with it.
  if (!gone()) process.kill(-(child.pid as number), "SIGKILL");
  await ended;
  return inTime ? "killed" : undefined;
}

/** What has to be so after every kill: the board finishes what it was asked, and the target is on. */
async function endsOn(): Promise<void> {
  await way.unused();
  await sleep(50);
  await until(() => cycles().every(({ status }) => status !== "accepted"), PATIENCE_MS);
  await until(async () => (await bay.api("GET", "/api/v1/leases")).json.leases.length === 0, PATIENCE_MS);
  expect([0, 2]).toContain(moves());
  expect(bay.rail(TARGET).switchOn).toBe(true);
  expect((await bay.api("GET", path)).json).toMatchObject({ power: "on", lease: null });
}

/** Kills clients step by step through their cycles; gives how many died behind each of the anchors. */
async function killedThrough(args: string[], anchors: number[]): Promise<number[]> {
  const before = cycles().length;
  const killed = new Map(anchors.map((anchor) => [anchor, 0]));
  let ran = 0;
  for (const anchor of anchors) {
    for (let ms = 0; (killed.get(anchor) as number) < MOST; ms += STEP_MS) {
      const kill = await killedAt(args, anchor, ms);
      await endsOn();
      ran += moves() / 2;
      if (kill === undefined) break;
      killed.set(anchor, (killed.get(anchor) as number) + 1);
    }
  }
  // Each was asked once, was done, and ran once.
  expect(new Set(cycles().map(({ status }) => status))).toEqual(new Set(["done"]));
  expect(cycles().length - before).toBe(ran);
  return [...killed.values()];
}

test("labgrid: the client's process is killed by SIGKILL at each step of a cycle, and the target ends on", {
  timeout: 0,
}, async () => {
  const killed = await killedThrough(cycle, ANCHORS);
  expect(Math.min(...killed), `kills: ${killed}`).toBeGreaterThan(0);
  expect(killed.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(KILLS);
});

test("labgrid: the same of a client that holds a lease and everything that it has started: the cycle completes, the lease ends", {
  timeout: 0,
}, async () => {
  const killed = await killedThrough(["lease", TARGET, "--", process.execPath, mltb, ...cycle], OF_LEASE);
  expect(Math.min(...killed), `kills: ${killed}`).toBeGreaterThan(0);
  expect(killed.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(KILLS);
});
