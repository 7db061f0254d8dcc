import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { inferenceClient } from "@mltb/agent-inference";
import { processLauncher } from "@mltb/agent-kit";
import { type AgentApi, generateModel, grpcAgent } from "@mltb/bench";
import { afterAll, expect, test } from "vitest";
import { mltb, tracked } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-agent-test-"));
const kws = generateModel("ds-cnn-kws");
mkdirSync(join(folder, "models/versioned/1"), { recursive: true });
writeFileSync(join(folder, "models/kws.onnx"), kws);
writeFileSync(join(folder, "models/versioned/1/model.onnx"), kws);
writeFileSync(join(folder, "models/broken.onnx"), "not a model");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const input = Array.from({ length: 490 }, (_, i) => Math.sin(i));
const raw = new Uint8Array(Float32Array.from(input).buffer);

/** Free ports, so that agents of several tests stand side by side. */
const free = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);

interface Agent {
  address: string;
  metrics: string;
  api: AgentApi;
  process: ChildProcess;
  ended: Promise<number | null>;
}

/** `mltb agent inference` as a program of its own; its first line tells the address. */
function startAgent(...args: string[]): Promise<Agent> {
  const fixed = ["agent", "inference", ...free, "--no-mqtt"];
  const child = tracked(spawn(process.execPath, [mltb, ...fixed, ...args], { stdio: ["ignore", "pipe", "ignore"] }));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    void ended.then((code) => reject(new Error(`ended with ${code}`)));
    child.stdout.once("data", (line) => {
      const ready = JSON.parse(String(line)) as { event: string; grpc: string; metrics: string };
      expect(ready).toMatchObject({
        event: "ready",
        http: expect.stringMatching(/^http:/),
        metrics: expect.stringMatching(/^http:/),
      });
      const { grpc, metrics } = ready;
      resolve({ address: grpc, metrics, api: grpcAgent(grpc), process: child, ended });
    });
  });
}

async function classes(agent: Agent, model: string): Promise<number[]> {
  const inputs = await agent.api.inputs(model);
  expect(inputs).toEqual([{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }]);
  return [...(await agent.api.infer(model, inputs, [raw]))];
}

/** Processes below a process, from the system's table. */
async function childrenOf(pid: number): Promise<number[]> {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

test("both runtimes serve the same model alike, in both repository layouts; SIGTERM ends with 0", async () => {
  const answers: number[][] = [];
  for (const runtime of ["ort", "ort-web"]) {
    const agent = await startAgent("--models", join(folder, "models"), "--runtime", runtime);
    answers.push(await classes(agent, "kws"), await classes(agent, "versioned"));
    agent.api.close();
    agent.process.kill("SIGTERM");
    expect(await agent.ended).toBe(0);
  }
  const [first = []] = answers;
  expect(first.length).toBe(12);
  expect(first.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  for (const other of answers) {
    for (const [i, value] of other.entries()) expect(Math.abs(value - (first[i] as number))).toBeLessThan(1e-5);
  }
});

test("a model that cannot load is refused with its reason, an unknown one by name; the rest are served", async () => {
  const agent = await startAgent("--models", join(folder, "models"));
  await expect(agent.api.inputs("broken")).rejects.toThrow(/broken/);
  await expect(agent.api.inputs("moon")).rejects.toThrow(/moon/);
  expect((await classes(agent, "kws")).length).toBe(12);
  const inputs = await agent.api.inputs("kws");
  await expect(agent.api.infer("kws", inputs, [raw.subarray(0, 100)])).rejects.toThrow(/1960|490/);
  expect((await classes(agent, "kws")).length).toBe(12);
  agent.api.close();
  agent.process.kill("SIGTERM");
  await agent.ended;
});

test("a deployment whose hash differs is refused and nothing is served under that name", async () => {
  const agent = await startAgent();
  await expect(agent.api.deploy("mine", "0".repeat(64), kws)).rejects.toThrow(/sha-?256|hash/i);
  await expect(agent.api.inputs("mine")).rejects.toThrow();
  await agent.api.deploy("mine", createHash("sha256").update(kws).digest("hex"), kws);
  expect((await classes(agent, "mine")).length).toBe(12);
  agent.api.close();
  agent.process.kill("SIGTERM");
  await agent.ended;
});

test("six deployed models: the oldest leave their processes, are ready as the others, and answer again when they are asked", async () => {
  const agent = await startAgent();
  const sha256 = createHash("sha256").update(kws).digest("hex");
  for (let i = 0; i < 6; i += 1) await agent.api.deploy(`m${i}`, sha256, kws);
  const pid = agent.process.pid as number;
  for (let i = 0; i < 500 && (await childrenOf(pid)).length > 4; i += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await childrenOf(pid)).length).toBe(4);
  const client = inferenceClient(agent.address);
  const names = Array.from({ length: 6 }, (_, i) => `m${i}`);
  for (const name of names) expect(await client.call("ModelReady", { name, version: "" })).toEqual({ ready: true });
  const { models } = await client.call<{ models: { name: string }[] }>("RepositoryIndex", { ready: true });
  expect(models.map(({ name }) => name)).toEqual(names);
  client.close();
  expect((await childrenOf(pid)).length).toBe(4);
  expect((await classes(agent, "m0")).length).toBe(12);
  agent.api.close();
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
});

test("oip:// drives an agent in another process: its models, a file handed over, windows; of threads, memory and machine nothing is told", async () => {
  const far = await startAgent("--models", join(folder, "models"));
  const near = await startAgent("--runtime", `oip://${far.address}`, "--threads", "3");
  expect((await classes(near, "kws")).length).toBe(12);
  await near.api.deploy("handed", createHash("sha256").update(kws).digest("hex"), kws);
  expect(await classes(near, "handed")).toEqual(await classes(far, "handed"));
  const spec = { model: "kws", warmup: 1, windows: 1, window_s: 0.2, seed: 1, inputs: [[raw]] };
  const measured = await near.api.measure(spec, () => undefined, new AbortController().signal);
  expect(measured).toMatchObject({
    runtime: { name: "oip:mltb-inference", threads: 0 },
    peak_memory_bytes: null,
    environment: null,
    network: "not isolated",
    model_folder: "writable",
  });
  expect(measured.windows[0]?.inferences).toBeGreaterThan(0);
  for (const agent of [near, far]) {
    agent.api.close();
    agent.process.kill("SIGTERM");
    expect(await agent.ended).toBe(0);
  }
});

test.each([
  ["ort", [1, 3], [0, 2]],
  ["ort-web", [1, 1], [0, 0]],
])("a measurement under %s tells the threads that its model's process really has", async (runtime, told, grown) => {
  const agent = await startAgent("--runtime", runtime);
  const sha256 = createHash("sha256").update(kws).digest("hex");
  const threads: number[] = [];
  for (const [i, asked] of [1, 3].entries()) {
    await agent.api.deploy(`m${i}`, sha256, kws, asked);
    const spec = { model: `m${i}`, warmup: 1, windows: 1, window_s: 0.1, seed: 1, inputs: [[raw]] };
    const done = await agent.api.measure(spec, () => undefined, new AbortController().signal);
    threads.push(done.runtime.threads);
    expect(done.environment?.before.memory_bytes).toBeGreaterThan(1e6);
  }
  expect(threads).toEqual(told);
  const models = await childrenOf(agent.process.pid as number);
  const tasks = models.map((pid) => readdirSync(`/proc/${pid}/task`).length).sort((a, b) => a - b);
  expect(tasks.map((count) => count - (tasks[0] as number))).toEqual(grown);
  agent.api.close();
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
});

/** Samples of a metrics page by their names with labels, and the type of each metric. */
async function scrape(url: string): Promise<{ samples: Record<string, number>; types: Record<string, string> }> {
  const lines = (await (await fetch(url)).text()).split("\n").filter((line) => line !== "");
  const types = lines.map((line) => /^# TYPE (\S+) (\S+)$/.exec(line)).filter((match) => match !== null);
  return {
    types: Object.fromEntries(types.map(([, name, type]) => [name, type])),
    samples: Object.fromEntries(
      lines.filter((line) => !line.startsWith("#")).map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]),
    ),
  };
}

/** Time of all processors until now, and the idle part of it. */
function processors(): { idle: number; all: number } {
  const times = cpus().flatMap((cpu) => Object.entries(cpu.times));
  const sum = (list: typeof times): number => list.reduce((total, [, time]) => total + time, 0);
  return { idle: sum(times.filter(([name]) => name === "idle")), all: sum(times) };
}

test("/metrics has Triton's names, types and labels with the figures of the calls, and the machine's processors and memory", async () => {
  const agent = await startAgent("--models", join(folder, "models"));
  const { types } = await scrape(agent.metrics);
  const triton = {
    nv_inference_request_success: "counter",
    nv_inference_request_failure: "counter",
    nv_inference_count: "counter",
    nv_inference_exec_count: "counter",
    nv_inference_request_duration_us: "counter",
    nv_inference_queue_duration_us: "counter",
    nv_inference_compute_input_duration_us: "counter",
    nv_inference_compute_infer_duration_us: "counter",
    nv_inference_compute_output_duration_us: "counter",
    nv_inference_pending_request_count: "gauge",
    nv_cpu_utilization: "gauge",
    nv_cpu_memory_total_bytes: "gauge",
    nv_cpu_memory_used_bytes: "gauge",
  };
  expect(Object.fromEntries(Object.entries(types).filter(([name]) => name.startsWith("nv_")))).toEqual(triton);
  const before = processors();
  const began = performance.now();
  for (let i = 0; i < 3; i += 1) await classes(agent, "kws");
  const called_us = (performance.now() - began) * 1000;
  while (performance.now() < began + 1000) Math.sqrt(began);
  const after = processors();
  const { samples } = await scrape(agent.metrics);
  const of = (name: string, model = "kws"): number =>
    samples[`nv_inference_${name}{model="${model}",version="1"}`] as number;
  const counts = ["request_success", "count", "exec_count", "request_failure", "pending_request_count"];
  expect(counts.map((name) => of(name))).toEqual([3, 3, 3, 0, 0]);
  expect(of("count", "versioned")).toBe(0);
  const parts = ["queue", "compute_input", "compute_infer", "compute_output"].map((name) => of(`${name}_duration_us`));
  const whole = of("request_duration_us");
  expect(parts.every((part) => part >= 0)).toBe(true);
  expect(of("compute_infer_duration_us")).toBeGreaterThan(0);
  expect(parts.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(whole + parts.length);
  expect(whole).toBeLessThan(called_us);
  const share = 1 - (after.idle - before.idle) / (after.all - before.all);
  expect(Math.abs((samples["nv_cpu_utilization"] as number) - share)).toBeLessThan(0.1);
  // This process alone has kept one of them busy for nearly all of the time.
  expect(samples["nv_cpu_utilization"]).toBeGreaterThan(0.5 / cpus().length);
  expect(samples["nv_cpu_utilization"]).toBeLessThanOrEqual(1);
  const memory = readFileSync("/proc/meminfo", "utf8");
  const kib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(memory)?.[1]) * 1024;
  expect(samples["nv_cpu_memory_total_bytes"]).toBe(kib("MemTotal"));
  const used = kib("MemTotal") - kib("MemAvailable");
  expect(Math.abs((samples["nv_cpu_memory_used_bytes"] as number) - used)).toBeLessThan(0.1 * kib("MemTotal"));
  agent.api.close();
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
});

test("kill-model-process: the open call fails, and the next call finds the model again", async () => {
  const agent = await startAgent("--models", join(folder, "models"));
  await classes(agent, "kws");
  // Models load in the order of their names, each in a process of its own.
  const models = await childrenOf(agent.process.pid as number);
  const spec = {
    model: "kws",
    warmup: 1,
    windows: 1,
    window_s: 30,
    seed: 1,
    scenario: "single-stream",
    samples_per_query: 1,
    target_per_s: 0,
    inputs: [[raw]],
  };
  const measuring = agent.api.measure(spec, () => undefined, new AbortController().signal);
  setTimeout(() => {
    for (const model of models) process.kill(model, "SIGKILL");
  }, 300);
  await expect(measuring).rejects.toThrow(/process ended/);
  expect((await classes(agent, "kws")).length).toBe(12);
  agent.api.close();
  agent.process.kill("SIGTERM");
  await agent.ended;
});

test("kill-agent: its model processes end with it, none is left behind", async () => {
  const agent = await startAgent("--models", join(folder, "models"));
  await classes(agent, "kws");
  const children = await childrenOf(agent.process.pid as number);
  expect(children.length).toBeGreaterThan(0);
  agent.api.close();
  agent.process.kill("SIGKILL");
  await agent.ended;
  await until(() => children.every((pid) => !alive(pid)));
});

test("markers enclose every window: up before the first inference, down after the last, latencies inside", async () => {
  const edges: { level: number; at_ns: bigint }[] = [];
  const codes: (number | null)[] = [];
  let address = "";
  const fixed = ["agent", "inference", ...free, "--no-mqtt", "--models", join(folder, "models")];
  const agent = processLauncher(() => ({ file: process.execPath, args: [mltb, ...fixed] })).launch({
    onReady: (info) => {
      address = info.grpc ?? "";
    },
    onMarker: (level, at_ns) => edges.push({ level, at_ns }),
    onModelProcess: () => undefined,
    onCpuTime: () => undefined,
    onExit: (code) => codes.push(code),
    onLine: () => undefined,
  });
  await until(() => address !== "");
  const api = grpcAgent(address);
  const spec = {
    model: "kws",
    warmup: 3,
    windows: 3,
    window_s: 0.1,
    seed: 1,
    scenario: "single-stream",
    samples_per_query: 1,
    target_per_s: 0,
    inputs: [[raw]],
  };
  const { windows, method } = await api.measure(spec, () => undefined, new AbortController().signal);
  api.close();
  await agent.stop();
  // It drained and ended by itself; a kill would leave null.
  expect(codes).toEqual([0]);
  expect(method).toBe("edges");
  expect(edges.map((edge) => edge.level)).toEqual([1, 0, 1, 0, 1, 0]);
  const busy: number[] = [];
  for (const [n, window] of windows.entries()) {
    const [up, down] = edges.slice(2 * n, 2 * n + 2) as [(typeof edges)[0], (typeof edges)[0]];
    const marked_us = Number(down.at_ns - up.at_ns) / 1000;
    const inside_us = window.latency_us.reduce((a, b) => a + b, 0);
    expect(window.latency_us.length).toBe(window.inferences);
    expect(marked_us).toBeCloseTo(window.duration_us, 0);
    expect(inside_us).toBeLessThanOrEqual(marked_us);
    busy.push(inside_us / marked_us);
  }
  // On a busy machine others may have the processor between two inferences; not for most of a window.
  expect(Math.min(...busy)).toBeGreaterThan(0.3);
});

test("a marker's file is high inside each window and low outside; one that cannot be written is refused", async () => {
  const file = join(folder, "brightness");
  writeFileSync(file, "0\n");
  const agent = await startAgent("--models", join(folder, "models"), "--marker", file);
  const levels: string[] = [];
  const look = setInterval(() => {
    const level = readFileSync(file, "utf8").trim();
    if (level !== levels.at(-1)) levels.push(level);
  }, 5);
  const call = { model: "kws", warmup: 1, windows: 2, window_s: 0.3, seed: 1, inputs: [[raw]] };
  const done = await agent.api.measure(call, () => undefined, new AbortController().signal);
  await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(look);
  expect(done.method).toBe("edges");
  expect(levels).toEqual(["0", "1", "0", "1", "0"]);
  agent.api.close();
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
  await expect(startAgent("--marker", join(folder, "nowhere/brightness"))).rejects.toThrow("ended with 2");
});

test("scenarios: a multi-stream query is eight samples; server arrivals keep their rate, and waiting counts", async () => {
  const agent = await startAgent("--models", join(folder, "models"));
  const spec = { model: "kws", warmup: 3, windows: 1, window_s: 1, seed: 5, samples_per_query: 8, target_per_s: 0 };
  const measure = async (scenario: string, target_per_s = 0) => {
    const call = { ...spec, scenario, target_per_s, inputs: [[raw]] };
    const done = await agent.api.measure(call, () => undefined, new AbortController().signal);
    return { done, window: done.windows[0] as (typeof done.windows)[number] };
  };
  const multi = await measure("multi-stream");
  expect(multi.window.inferences).toBe(8 * multi.window.latency_us.length);
  expect(multi.done.peak_memory_bytes).toBeGreaterThan(1e6);
  expect(multi.done.environment?.before.cores).toBeGreaterThan(0);
  expect(multi.done.environment?.before.engine).toMatch(/^node \d+\.\d+\.\d+, v8 \d+\.\d+/);
  const server = await measure("server", 50);
  // Arrivals of a second at a mean of 50: beyond five standard deviations something is wrong with the schedule.
  expect(server.window.latency_us.length).toBeGreaterThan(14);
  expect(server.window.latency_us.length).toBeLessThan(86);
  expect(server.window.inferences).toBe(server.window.latency_us.length);
  // More than any machine can serve: everything that arrives counts, also what is never served.
  const flooded = await measure("server", 100_000);
  const arrivals = flooded.window.latency_us.length;
  expect(arrivals).toBeGreaterThan(98_000);
  expect(arrivals).toBeLessThan(102_000);
  expect(flooded.window.inferences).toBeLessThan(arrivals);
  expect(flooded.window.duration_us).toBeGreaterThan(1_900_000);
  expect(Math.max(...flooded.window.latency_us)).toBeGreaterThan(1_000_000);
  await expect(measure("server")).rejects.toThrow("target_per_s");
  await expect(measure("batch")).rejects.toThrow("single-stream, multi-stream, server, offline");
  agent.api.close();
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
});
