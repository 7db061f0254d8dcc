import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentApi, type Experiment, httpBay, type RunPorts, runWith, SqliteJournal } from "@mltb/bench";
import { type Bay, readBayFile } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import type { SimulatedRack } from "@mltb/simulators";
import { type Supervisor, startSupervisor } from "@mltb/supervisor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBayRacks } from "../src/bay/simulated-racks.ts";
import { createLog } from "../src/output/log.ts";

const BOARDS = 11;
/** How many of them are also measured one after another. */
const ALONE = process.env["MLTB_LONG"] === undefined ? 2 : BOARDS;
// Modelled device time; the boot is long beside what this host has to do for each board, so that a busy one changes little. Agents
// of simulated boards infer on this machine: windows are measured one at a time there, and are short here.
const BOOT_MS = 20_000;
const LOAD_MS = 100;
const WINDOWS = 2;
const WINDOW_S = 0.1;

const folder = mkdtempSync(join(tmpdir(), "mltb-eleven-"));
const names = Array.from({ length: BOARDS }, (_, n) => `board-${n}`);
let bay: Bay;
let racks: Map<string, SimulatedRack>;
let supervisor: Supervisor;

beforeAll(async () => {
  const file = join(folder, "bay.yml");
  const target = (n: number): string =>
    `      - { target: board-${n}, channel: ${(n % 8) + 1}, load: { idle_w: 1, cpu_w: 2 } }\n`;
  const rack = (r: number): string => {
    const mine = names.map((_, n) => n).filter((n) => Math.floor(n / 8) === r);
    const board = `{ name: monitor-${r}, kind: monitoring, link: simulated, seed: ${r + 1} }`;
    return `  - rack: rack-${r}\n    board: ${board}\n    targets:\n${mine.map(target).join("")}`;
  };
  writeFileSync(file, `bay: eleven\nracks:\n${rack(0)}${rack(1)}`);
  const read = readBayFile(file);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  bay = read.bay;
  racks = await createBayRacks(bay, (await buildBundle("monitoring")).source, "", () => ({}));
  for (const made of racks.values()) made.start();
  supervisor = await startSupervisor({
    bay,
    openBoard: (board) => (racks.get(board.name) as SimulatedRack).transport,
    http: { host: "127.0.0.1", port: 0, named: true },
    mqtt: { host: "127.0.0.1", port: 0, named: true },
    stateDir: join(folder, "state"),
    log: createLog("silent"),
  });
  await supervisor.ready(30_000);
});
afterAll(async () => {
  await supervisor.stop();
  for (const made of racks.values()) await made.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An experiment on simulated boards; their racks start no agents, because modelled ones answer. */
function experiment(targets: string[]): Experiment {
  const own = structuredClone(bay);
  for (const { targets: all } of own.racks) for (const target of all) target.agent = { runtime: "ort", threads: 1 };
  return {
    name: "eleven",
    file: "eleven.yml",
    bayFile: join(folder, "bay.yml"),
    bay: own,
    targets,
    models: [{ name: "kws", generate: "ds-cnn-kws" }],
    measure: {
      scenario: "single-stream",
      warmup: 0,
      windows: WINDOWS,
      window_s: WINDOW_S,
      seed: 1,
      samples_per_query: 1,
    },
  };
}

/** The real bay, and agents that take the time of their boards; `most` measured at one time. */
function modelled(): { ports: RunPorts; measuring: { now: number; most: number; device_ms: number } } {
  const measuring = { now: 0, most: 0, device_ms: 0 };
  const device = async (ms: number): Promise<void> => {
    measuring.device_ms += ms;
    await new Promise((resolve) => setTimeout(resolve, ms));
  };
  const agent = (): AgentApi => ({
    deploy: () => device(LOAD_MS),
    inputs: async () => [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }],
    infer: async () => new Float64Array(12),
    async measure(call, onWindow) {
      measuring.now += 1;
      measuring.most = Math.max(measuring.most, measuring.now);
      const windows = [];
      for (let n = 0; n < call.windows; n += 1) {
        await device(call.window_s * 1000);
        const latency_us = Float64Array.from({ length: 100 }, (_, i) => 5000 + i);
        const phases = { pre_us: 10, inference_us: 5050, post_us: 10 };
        const window = { inferences: 100, duration_us: call.window_s * 1e6, latency_us, ...phases };
        windows.push(window);
        onWindow(n, window);
      }
      measuring.now -= 1;
      const facts = { peak_memory_bytes: null, environment: null, requests_meanwhile: 0 };
      return {
        windows,
        runtime: { name: "m", version: "1", threads: 1 },
        method: "edges",
        network: "isolated",
        ...facts,
      };
    },
    live: async () => true,
    close: () => undefined,
  });
  const http = {
    http: supervisor.http,
    token: readFileSync(supervisor.tokenFile, "utf8").trim(),
    ...{ mqtt: "", mqttUser: "", mqttPassword: "" },
  };
  const wait = async (target: string) => {
    await device(BOOT_MS);
    return { name: target, target, grpc: target, at: "", gone: new AbortController().signal };
  };
  const agents = { wait, close: async () => undefined };
  return { ports: { bay: httpBay(http), agents, agent }, measuring };
}

test(`${BOARDS} simulated boards of a real bay, that boot for long, are done at least 6 times faster together than one after another`, async () => {
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  const timed = async (made: ReturnType<typeof modelled>, targets: string[]): Promise<number> => {
    const started = performance.now();
    const options = { experiments: [experiment(targets)], outDir: folder, journal };
    const { results } = await runWith(made.ports, options);
    expect(results.map((record) => [record.target, record.latency_us?.n])).toEqual(
      targets.map((name) => [name, WINDOWS * 100]),
    );
    return performance.now() - started;
  };
  const each = modelled();
  let alone_ms = 0;
  for (const name of names.slice(0, ALONE)) alone_ms += await timed(each, [name]);
  const together = modelled();
  const together_ms = await timed(together, names);
  journal.close();
  const one_after_another_ms = (alone_ms / ALONE) * BOARDS;
  const seconds = [one_after_another_ms, together_ms].map((ms) => `${(ms / 1000).toFixed(1)} s`);
  expect(each.measuring.most).toBe(1);
  expect(together.measuring.most).toBe(1);
  expect(together.measuring.device_ms / BOARDS).toBe(each.measuring.device_ms / ALONE);
  expect(one_after_another_ms / together_ms, seconds.join(" against ")).toBeGreaterThanOrEqual(6);
  const rails = [...racks.values()].flatMap((made) => made.electronics.rails.map((rail) => rail.voltage_v));
  expect(Math.max(...rails)).toBeLessThan(0.3);
}, 600_000);
