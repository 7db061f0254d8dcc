import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TargetView } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import { readExperiments } from "../configurator/experiment.ts";
import type { Experiment } from "../configurator/types.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import type { AgentApi } from "./agent-client.ts";
import { type BayApi, RunError } from "./bay-api.ts";
import { Boards, type RunPorts } from "./boards.ts";
import { runWith } from "./run.ts";
import { untilGone } from "./until-gone.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-run-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Calls in their order; a call named in `fails` throws. */
function ports(fails: string): { ports: RunPorts; calls: string[] } {
  const calls: string[] = [];
  const step = (name: string): void => {
    calls.push(name);
    if (name === fails) throw new RunError(`${name} failed on purpose`);
  };
  const view = (power: "on" | "off") => ({ power, voltage_v: 5, current_a: 0.1 }) as TargetView;
  const bay: BayApi = {
    async target() {
      step("target");
      return view("off");
    },
    async power(_, state) {
      step(state);
      return view(state);
    },
    async lease() {
      step("lease");
      const lost = new AbortController().signal;
      return { id: "lease1", lost, release: async () => step("release"), drop: () => step("drop") };
    },
    async startRecording() {
      step("record");
      return "r1";
    },
    async stopRecording() {
      step("stop-recording");
      throw new RunError("no recording in this test");
    },
    async samples() {
      throw new RunError("no samples in this test");
    },
  };
  const agent: AgentApi = {
    async deploy() {
      step("deploy");
    },
    async inputs() {
      step("inputs");
      return [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }];
    },
    async infer() {
      step("infer");
      return new Float64Array(12);
    },
    async measure() {
      step("measure");
      throw new RunError("no measurement in this test");
    },
    async live() {
      step("live");
      return true;
    },
    close: () => step("close"),
  };
  const watch = {
    async wait() {
      step("agent");
      return { name: "a", target: "local-cpu", grpc: "127.0.0.1:1", at: "", gone: new AbortController().signal };
    },
    close: () => Promise.resolve(),
  };
  return { calls, ports: { bay, agents: watch, agent: () => agent } };
}

const journal = new SqliteJournal(join(folder, "experiments.sqlite"));

function experiment(): Experiment {
  const file = new URL("../../../../examples/quickstart.yml", import.meta.url).pathname;
  const read = readExperiments(file, ["targets=[local-cpu]", "models=[{name: m, generate: ds-cnn-kws}]"], {});
  if ("faults" in read) throw new Error(read.faults.map((fault) => fault.message).join("\n"));
  return read.experiments[0] as Experiment;
}

test.each(["target", "on", "agent", "deploy", "inputs", "record", "measure", "stop-recording"])(
  "the target is switched off and there is an invalid record with the reason when `%s` fails",
  async (name) => {
    const made = ports(name);
    const run = await runWith(made.ports, { experiments: [experiment()], outDir: folder, journal });
    expect(made.calls).toContain(name);
    expect(made.calls.slice(-2)).toEqual(["off", "release"]);
    expect(run.results).toHaveLength(1);
    expect(run.results[0]).toMatchObject({ verdict: "invalid", energy_uj_per_inference: null });
    const reason = name === "stop-recording" ? /no measurement/ : new RegExp(`${name} failed on purpose`);
    expect(run.results[0]?.reasons.join()).toMatch(reason);
    expect(JSON.parse(readFileSync(join(run.folder, "result.json"), "utf8"))).toEqual(run);
  },
);

test("a board that somebody else has and never gives back is not touched", async () => {
  const made = ports("lease");
  const run = await runWith(made.ports, { experiments: [experiment()], outDir: folder, journal });
  expect(made.calls.filter((call) => ["on", "off", "release"].includes(call))).toEqual([]);
  expect(run.results[0]?.reasons.join()).toMatch(/lease failed on purpose/);
});

test("a failing power-off is told, and the run still ends with its results", async () => {
  const notes: string[] = [];
  const made = ports("off");
  const options = {
    experiments: [experiment()],
    outDir: folder,
    journal,
    onProgress: (event: { text: string }) => notes.push(event.text),
  };
  const run = await runWith(made.ports, options);
  expect(notes.join("\n")).toMatch(/NOT PROVED OFF: off failed on purpose/);
  // Nothing keeps the process or the board: others can see to it.
  expect(made.calls.at(-1)).toBe("drop");
  expect(run.results[0]?.verdict).toBe("invalid");
  expect(run.not_safe).toEqual([{ target: "local-cpu", reason: expect.stringMatching(/^off failed on purpose/) }]);
});

test("a node is tried again as often as its workflow says, and every attempt has its number in the journal", async () => {
  const seed = new URL("../../../../examples/seed", import.meta.url).pathname;
  const env = { MODELS_REPO: `${seed}/models`, MLTB_DATASET: `${seed}/data` };
  const read = readExperiments(`${seed}/bench.yml`, ["config_files.2.workflows.0.nodes.2.retries=2"], env);
  if ("faults" in read) throw new Error(read.faults.map((fault) => fault.message).join("\n"));
  const made = ports("inputs");
  const run = await runWith(made.ports, { experiments: read.experiments, outDir: folder, journal });
  expect(made.calls.filter((call) => call === "inputs")).toHaveLength(3);
  const started = (await journal.read(run.run_id, 0)).filter((event) => event.type === "started");
  const attempts = started.filter(({ node, phase }) => node === "component_infer" && phase === "start");
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(run.results[0]?.reasons.join()).toMatch(/inputs failed on purpose/);
  expect(made.calls.slice(-2)).toEqual(["off", "release"]);
});

test("after an agent that is gone its board is switched off and on again, and the next attempt has a new one", async () => {
  const made = ports("");
  const gone = AbortSignal.abort(new RunError("agent a is offline"));
  const births = [gone, new AbortController().signal];
  const wait = made.ports.agents.wait;
  made.ports.agents.wait = async (...args) => ({ ...(await wait(...args)), gone: births.shift() ?? gone });
  const boards = new Boards(made.ports, "test", () => undefined);
  const signal = new AbortController().signal;
  const first = await boards.agent("local-cpu", "one", signal);
  await expect(first.inputs("m")).rejects.toThrow("agent a is offline");
  const second = await boards.agent("local-cpu", "two", signal);
  expect(await second.inputs("m")).toHaveLength(1);
  expect(await boards.agent("local-cpu", "three", signal)).toBe(second);
  expect(made.calls.filter((call) => ["on", "off"].includes(call))).toEqual(["on", "off", "on"]);
});

test("an agent that died a moment ago, before the broker said so, is not asked to measure", async () => {
  const made = ports("");
  const agent = made.ports.agent("");
  let living = true;
  const opened: AgentApi[] = [{ ...agent, live: async () => living }, agent];
  made.ports.agent = () => opened.shift() as AgentApi;
  const boards = new Boards(made.ports, "test", () => undefined);
  const signal = new AbortController().signal;
  const one = await boards.agent("local-cpu", "one", signal);
  expect(await boards.agent("local-cpu", "two", signal)).toBe(one);
  living = false;
  const two = await boards.agent("local-cpu", "three", signal);
  expect(two).not.toBe(one);
  expect(await two.inputs("m")).toHaveLength(1);
  expect(made.calls.filter((call) => ["on", "off"].includes(call))).toEqual(["on", "off", "on"]);
});

test("a call that fails because its agent died says so, and one that the agent refused keeps the agent's own words", async () => {
  const made = ports("measure");
  const calling = { model: "m", warmup: 0, windows: 1, window_s: 1, seed: 1, inputs: [] };
  const ask = (live: boolean, signal = new AbortController().signal) => {
    const agent = untilGone({ ...made.ports.agent(""), live: async () => live }, new AbortController().signal);
    return agent.measure(calling, () => undefined, signal);
  };
  await expect(ask(false)).rejects.toThrow(
    "the agent does not answer any more: it died or lost its network (measure failed on purpose)",
  );
  await expect(ask(true)).rejects.toThrow(/^measure failed on purpose$/);
  await expect(ask(false, AbortSignal.abort())).rejects.toThrow(/^measure failed on purpose$/);
});

test("a lease that was lost is let go of before its board is leased anew: what is left of it would be waited for", async () => {
  const made = ports("");
  const lost = new AbortController();
  const { lease } = made.ports.bay;
  made.ports.bay.lease = async (...args) => ({ ...(await lease(...args)), lost: lost.signal });
  const boards = new Boards(made.ports, "test", () => undefined);
  const signal = new AbortController().signal;
  await boards.lease("local-cpu", signal);
  await boards.lease("local-cpu", signal);
  lost.abort();
  await boards.lease("local-cpu", signal);
  expect(made.calls).toEqual(["lease", "drop", "lease"]);
});

test("an interrupted run switches nothing on", async () => {
  const made = ports("");
  const run = await runWith(made.ports, {
    experiments: [experiment()],
    outDir: folder,
    journal,
    signal: AbortSignal.abort(),
  });
  expect(made.calls).toEqual([]);
  expect(run.results).toEqual([]);
});

test("faults of an experiment come together, each with line, column and mend", () => {
  mkdirSync(join(folder, "faulty"), { recursive: true });
  const file = join(folder, "faulty/x.yml");
  const bay = new URL("../../../../examples/demo-bay.yml", import.meta.url).pathname;
  writeFileSync(
    file,
    `experiment: x\nbay: ${bay}\ntargets: [local-cpv]\nmodels:\n  - { name: a, file: $NOWHERE/m.onnx }\nmeasure: { windovs: 3 }\n`,
  );
  const values = readExperiments(file, [], {});
  if (!("faults" in values)) throw new Error("no faults");
  expect(values.faults.map(({ line, code }) => `${line} ${code}`)).toEqual([
    "3 unknown-target",
    "5 file-not-found",
    "6 unknown-key",
  ]);
  expect(values.faults.find((fault) => /local-cpv/.test(fault.message))?.suggestion).toMatch(/local-cpu/);
});
