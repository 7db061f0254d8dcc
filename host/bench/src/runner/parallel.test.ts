import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay, TargetView } from "@mltb/contract";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import type { AgentApi } from "./agent-client.ts";
import type { BayApi } from "./bay-api.ts";
import type { RunPorts } from "./boards.ts";
import { modelledMeasurement, modelledRecording } from "./modelled-agent.ts";
import { runWith } from "./run.ts";

const BOARDS = 11;
const BOOT_MS = 4000;
/** Beside which what this machine does for each board takes little. */
const LONG_BOOT_MS = 30_000;
const DEPLOY_MS = 1500;
const SWITCH_MS = 300;

const folder = mkdtempSync(join(tmpdir(), "mltb-parallel-"));
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Device time, which is modelled. */
const device = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const target = (n: number): string => `board-${n}`;

/**
 * Boards of their own hardware, so that nothing but the bench could make one wait for another, or simulated ones, whose agents
 * infer on this machine.
 */
function experiment(
  targets: string[],
  simulated = false,
  windows = { windows: 5, window_s: 2 },
  perRack = 1,
): Experiment {
  const racks = Array.from({ length: Math.ceil(BOARDS / perRack) }, (_, n) => ({
    rack: `rack${n}`,
    board: {
      name: `monitor${n}`,
      kind: "monitoring",
      link: simulated ? "simulated" : { serial: `/dev/serial/by-id/${n}` },
    },
    targets: Array.from({ length: perRack }, (_, c) => ({
      target: target(n * perRack + c),
      channel: c + 1,
      agent: { runtime: "ort" },
    })),
  }));
  return {
    name: "parallel",
    file: "parallel.yml",
    bayFile: "bay.yml",
    bay: { bay: "modelled", racks } as unknown as Bay,
    targets,
    models: [{ name: "kws", generate: "ds-cnn-kws" }],
    measure: { scenario: "single-stream", warmup: 10, ...windows, seed: 1 } as Experiment["measure"],
  };
}

/**
 * Ports whose boards take their modelled time; `inside` counts what reaches agent and board while windows are measured, with the
 * switching of other targets of the rack. Leases come one after the other, every `lease_ms`.
 */
function ports(
  boot_ms = BOOT_MS,
  { perRack = 1, lease_ms = 0 } = {},
): { ports: RunPorts; measuring: { now: number; most: number }; inside: string[] } {
  const rackOf = (name: string): number => Math.floor(Number(name.replace("board-", "")) / perRack);
  const measuring = { now: 0, most: 0 };
  const busy = new Set<string>();
  const inside: string[] = [];
  const asked = (name: string, what: string): void => {
    const beside = ["on", "off"].includes(what) && [...busy].some((other) => rackOf(other) === rackOf(name));
    if (busy.has(name) || beside) inside.push(`${what} ${name}`);
  };
  const view = (power: "on" | "off") => ({ power, voltage_v: 5, current_a: 0.1, fault: null }) as TargetView;
  const bay: BayApi = {
    async target(name) {
      asked(name, "target");
      return view("off");
    },
    async power(name, state) {
      asked(name, state);
      await device(SWITCH_MS);
      return view(state);
    },
    async lease(name) {
      asked(name, "lease");
      await device(lease_ms * Number(name.replace("board-", "")));
      const lost = new AbortController().signal;
      return { id: `lease-${name}`, lost, release: async () => asked(name, "release"), drop: () => undefined };
    },
    async startRecording(name) {
      asked(name, "record");
      return name;
    },
    async stopRecording(name) {
      asked(name, "stop recording");
      return modelledRecording(name);
    },
    async samples(name) {
      asked(name, "samples");
      return new Uint8Array(0);
    },
  };
  const agentOf = (name: string): AgentApi => ({
    async deploy() {
      asked(name, "deploy");
      await device(DEPLOY_MS);
    },
    async inputs() {
      asked(name, "inputs");
      return [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }];
    },
    async infer() {
      asked(name, "infer");
      return new Float64Array(12);
    },
    async measure(call, onWindow) {
      asked(name, "measure");
      busy.add(name);
      measuring.now += 1;
      measuring.most = Math.max(measuring.most, measuring.now);
      const result = await modelledMeasurement(call, device);
      for (const [index, window] of result.windows.entries()) onWindow(index, window);
      measuring.now -= 1;
      busy.delete(name);
      return result;
    },
    async live() {
      asked(name, "live");
      return true;
    },
    close: () => asked(name, "close"),
  });
  const agents = {
    async wait(name: string) {
      asked(name, "wait");
      await device(boot_ms);
      return { name, target: name, grpc: name, at: "", gone: new AbortController().signal };
    },
    close: () => Promise.resolve(),
  };
  return { ports: { bay, agents, agent: agentOf }, measuring, inside };
}

/** Modelled time that runs take, in ms. */
async function modelled_ms(runs: () => Promise<void>): Promise<number> {
  const from = performance.now();
  let over = false;
  const done = runs().finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(10);
  }
  await done;
  return performance.now() - from;
}

test("11 boards are at least 6 times faster side by side than one after another, and see nothing while they measure", async () => {
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  const all = Array.from({ length: BOARDS }, (_, n) => target(n));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const each = ports();
  const one = await modelled_ms(async () => {
    for (const name of all) await runWith(each.ports, { experiments: [experiment([name])], outDir: folder, journal });
  });
  const together = ports();
  let results: string[] = [];
  const parallel = await modelled_ms(async () => {
    const run = await runWith(together.ports, { experiments: [experiment(all)], outDir: folder, journal });
    results = run.results.map((record) => `${record.target} ${record.latency_us?.n}`);
  });
  journal.close();
  expect(results).toEqual(all.map((name) => `${name} 500`));
  expect(each.measuring.most).toBe(1);
  expect(together.measuring.most).toBe(BOARDS);
  expect(one / parallel).toBeGreaterThanOrEqual(6);
  expect([...each.inside, ...together.inside]).toEqual([]);
}, 120_000);

test("11 simulated boards boot side by side and are measured one at a time; where they boot for long, that is 6 times faster too", async () => {
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  const all = Array.from({ length: BOARDS }, (_, n) => target(n));
  const short = { windows: 2, window_s: 0.1 };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const timed = (made: ReturnType<typeof ports>, targets: string[]): Promise<number> =>
    modelled_ms(async () => {
      const experiments = [experiment(targets, true, short)];
      const { results } = await runWith(made.ports, { experiments, outDir: folder, journal });
      expect(results.map((record) => record.latency_us?.n)).toEqual(targets.map(() => 200));
    });
  const one = await timed(ports(LONG_BOOT_MS), all.slice(0, 1));
  const together = ports(LONG_BOOT_MS);
  const parallel = await timed(together, all);
  journal.close();
  expect(together.measuring.most).toBe(1);
  expect(together.inside).toEqual([]);
  expect((one * BOARDS) / parallel).toBeGreaterThanOrEqual(6);
}, 120_000);

test("targets of one rack are measured side by side, and none is switched inside the windows of another, whenever its lease comes", async () => {
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  const all = Array.from({ length: 4 }, (_, n) => target(n));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  for (const [lease_ms, side] of [
    [0, 4],
    [3000, 2],
    [7000, 2],
    [11_000, 2],
  ] as const) {
    const made = ports(BOOT_MS, { perRack: 2, lease_ms });
    await modelled_ms(async () => {
      const experiments = [experiment(all, false, undefined, 2)];
      const run = await runWith(made.ports, { experiments, outDir: folder, journal });
      expect(run.results.map(({ latency_us }) => latency_us?.n)).toEqual(all.map(() => 500));
    });
    expect([lease_ms, made.inside]).toEqual([lease_ms, []]);
    expect(made.measuring.most).toBeGreaterThanOrEqual(side);
  }
  journal.close();
}, 120_000);
