import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readExperiments } from "../configurator/experiment.ts";
import type { Experiment } from "../configurator/types.ts";
import { apply, due } from "../orchestrator/machine.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import { workflowFaults } from "../orchestrator/workflow.ts";
import { Eta, etaText } from "./eta.ts";
import { planRun, resultNodes } from "./plan.ts";

function experiments(...sets: string[]): Experiment[] {
  const file = fileURLToPath(new URL("../../../../examples/quickstart.yml", import.meta.url));
  const read = readExperiments(file, sets, {});
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  return read.experiments;
}

test("a sweep makes a grid whose rows are told apart by name, optimisation and threads", () => {
  const grid = experiments("sweep={optimization: [none, dynamic-int8], threads: [1, 4]}");
  expect(grid.map((experiment) => experiment.models.map((model) => model.name))).toEqual([
    ["kws-dscnn.1t", "resnet8.1t"],
    ["kws-dscnn.4t", "resnet8.4t"],
    ["kws-dscnn.dynamic-int8.1t", "resnet8.dynamic-int8.1t"],
    ["kws-dscnn.dynamic-int8.4t", "resnet8.dynamic-int8.4t"],
  ]);
  expect(grid[3]?.models[0]).toMatchObject({ threads: 4, optimizations: [{ otype: "quantization" }] });
});

test("a sweep is a list of points too: each is measured as it says, and nothing else is", () => {
  const points = [
    "{ model: resnet8, optimization: dynamic-int8, target: local-wasm, threads: 2 }",
    "{ model: kws-dscnn, target: local-cpu }",
    "{ optimization: static-int8, threads: 1 }",
  ];
  const list = experiments(`sweep=[${points.join(", ")}]`);
  expect(list.map(({ targets, models }) => [targets, models.map((model) => model.name)])).toEqual([
    [["local-wasm"], ["resnet8.dynamic-int8.2t"]],
    [["local-cpu"], ["kws-dscnn"]],
    [
      ["local-cpu", "local-wasm"],
      ["kws-dscnn.static-int8.1t", "resnet8.static-int8.1t"],
    ],
  ]);
  expect(list[0]?.models[0]).toMatchObject({ threads: 2, optimizations: [{ options: ["dynamic", "int8"] }] });
  const workflow = planRun("r", list);
  expect(workflowFaults(workflow)).toEqual([]);
  expect(workflow.nodes.filter((node) => node.service === "inference")).toHaveLength(6);
});

test("points of a sweep that cannot be measured are told at their places", () => {
  const file = fileURLToPath(new URL("../../../../examples/quickstart.yml", import.meta.url));
  const faults = (points: string): string[] => {
    const read = readExperiments(file, [`sweep=${points}`], {});
    return "faults" in read ? read.faults.map(({ code, path, suggestion }) => `${code} ${path} ${suggestion}`) : [];
  };
  expect(faults("[{ model: resnet }]")).toEqual(["unknown-model sweep.0.model did you mean resnet8?"]);
  expect(faults("[{}, { target: local-cpv, threads: 1 }]")).toEqual([
    "unknown-target sweep.1.target did you mean local-cpu?",
  ]);
  expect(faults("[{ thread: 1 }]")).toEqual(["unknown-key sweep.0.thread did you mean threads?"]);
  expect(faults("[{ threads: 0 }]")).toEqual(["value sweep.0.threads undefined"]);
  expect(faults("{ threads: [0] }")).toEqual(["value sweep.threads.0 undefined"]);
  expect(faults("[{ model: resnet8 }, { model: resnet8, optimization: none }]")[0]).toMatch(/^duplicate-name sweep.1 /);
});

test("names that a sweep makes are names, and of one model each", () => {
  const file = fileURLToPath(new URL("../../../../examples/quickstart.yml", import.meta.url));
  const faults = (names: string[], sweep: string): string[] => {
    const models = names.map((name) => `{ name: ${name}, generate: resnet8 }`);
    const read = readExperiments(file, [`models=[${models.join(", ")}]`, `sweep=${sweep}`], {});
    return "faults" in read ? read.faults.map(({ code, path, message }) => `${code} ${path} ${message}`) : [];
  };
  const long = "m".repeat(62);
  expect(faults([long.slice(1), "x"], "{ threads: [1, 8] }")).toEqual([]);
  const tooLong = `model ${long} is named ${long}.16t here, which has 66 characters; a name has 64 at most`;
  expect(faults([long, "x"], "{ threads: [1, 16] }")).toEqual([`value sweep ${tooLong}`]);
  expect(faults([long, "x"], `[{ model: x }, { model: ${long}, threads: 16 }]`)).toEqual([`value sweep.1 ${tooLong}`]);
  const both = ["kws", "kws.2t", "kws.static-int8"];
  const shared = "model kws is named kws.2t here, and so is model kws.2t";
  expect(faults(both, "{ threads: [2, 4] }")).toEqual([`duplicate-name sweep ${shared}`]);
  expect(faults(both, "[{ model: kws.2t }, { model: kws, threads: 2 }]")).toEqual([`duplicate-name sweep.1 ${shared}`]);
  expect(faults(["kws", "kws.static-int8"], "[{ optimization: static-int8, threads: 2 }, { threads: 2 }]")).toEqual([
    "duplicate-name sweep.1 model kws.static-int8 is named kws.static-int8.2t here, and so is model kws",
  ]);
  expect(faults(["kws"], "{ optimization: [none, none], threads: [1, 2, 1] }")).toEqual([
    "duplicate-name sweep.optimization.1 optimization none is listed twice",
    "duplicate-name sweep.threads.2 threads 1 is listed twice",
  ]);
});

test("a board is switched on once for all experiments of a file, and every measurement stands between its on and off", () => {
  const workflow = planRun("r", experiments("sweep={threads: [1, 2]}"));
  expect(workflowFaults(workflow)).toEqual([]);
  const boards = workflow.nodes.filter((node) => node.service === "deployment");
  expect(boards.map((node) => node.id)).toEqual(["board/local-cpu", "board/local-wasm"]);
  const measured = workflow.nodes.filter((node) => node.service === "inference");
  expect(measured).toHaveLength(8);
  for (const node of measured) expect(node.after[0]).toBe(`board/${node.exclusive?.[0]?.replace("target:", "")}`);
});

test("measurements on agents of one machine do not run side by side", () => {
  const state = apply(undefined, { type: "submitted", workflow: planRun("r", experiments()) });
  const step = (node: string, phase: string): void => {
    apply(state, { type: "started", node, phase, attempt: 1 });
    apply(state, { type: "succeeded", node, phase, attempt: 1 });
  };
  for (const node of [...state.nodes.keys()].filter((id) => !id.includes("measure")))
    for (const phase of ["init", "config", "start"]) step(node, phase);
  const ready = due(state).map((action) => action.node);
  expect(ready).toEqual(["0/measure/local-cpu/kws-dscnn", "0/measure/local-wasm/kws-dscnn"]);
  apply(state, { type: "started", node: ready[0] as string, phase: "init", attempt: 1 });
  expect(due(state)).toEqual([]);
});

test("the time that is left is that of the busiest board or machine, and learns what a measurement takes beside its windows", () => {
  const all = experiments("measure={windows: 2, window_s: 5}");
  const state = apply(undefined, { type: "submitted", workflow: planRun("r", all) });
  const eta = new Eta(all);
  // Four measurements share the machine: 4 x (10 s of windows + 2 s).
  expect(eta.progress(state)).toEqual({ done: 0, all: 4, left_s: 48 });
  const node = "0/measure/local-cpu/kws-dscnn";
  eta.begin(node, 100);
  eta.end(node, { kind: "measure", experiment: 0, target: "local-cpu", model: 0 }, 116);
  expect(eta.progress(state).left_s).toBe(64);
  expect(etaText({ done: 1, all: 4, left_s: 48 })).toBe("1 of 4 measured, about 48 s left");
  expect(etaText({ done: 1, all: 4, left_s: 600 })).toBe("1 of 4 measured, about 10 min left");
});

test("the workflow of a bench file is what runs: its names, its order, the phases of its classes, its parameters", () => {
  const seed = fileURLToPath(new URL("../../../../examples/seed", import.meta.url));
  const env = { MODELS_REPO: `${seed}/models`, MLTB_DATASET: `${seed}/data` };
  const read = readExperiments(`${seed}/bench.yml`, [], env);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  const workflow = planRun("r", read.experiments);
  expect(workflowFaults(workflow)).toEqual([]);
  expect(workflow.nodes).toMatchObject([
    { id: "component_quantize", service: "service_quantization", phases: ["init", "config", "quantize", "start"] },
    { id: "component_deploy", after: ["component_quantize"], exclusive: ["target:local-cpu"] },
    { id: "component_infer", after: ["component_deploy"], parameters: { threads: 1 } },
  ]);
  expect(resultNodes(read.experiments, 0, "local-cpu", "densenet_onnx")).toEqual({
    measure: "component_infer",
    board: "component_deploy",
    model: "component_quantize",
  });
  const twice = planRun("r", [...read.experiments, ...read.experiments]);
  expect(workflowFaults(twice)).toEqual([]);
  expect(twice.nodes.map((node) => node.id)).toContain("1/component_infer");
});

test("a static quantisation is quantised and then recalibrated, in a bench file and in a sweep", () => {
  const examples = fileURLToPath(new URL("../../../../examples", import.meta.url));
  const env = { MODELS_REPO: `${examples}/seed/models`, MLTB_DATASET: `${examples}/seed/data` };
  const read = readExperiments(`${examples}/static-quantization.yml`, [], env);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  const phases = ["init", "config", "quantize", "recalibrate", "start"];
  const [first] = planRun("r", read.experiments).nodes;
  expect(first).toMatchObject({ id: "component_quantize", phases, parameters: { samples: 32 } });
  const swept = planRun("r", experiments("sweep={optimization: [dynamic-int8, static-int8]}")).nodes;
  const models = swept.filter((node) => node.service === "quantization");
  expect(models.map((node) => node.phases)).toEqual([
    ["init", "config", "start"],
    ["init", "config", "start"],
    phases,
    phases,
  ]);
});

test("a component pulls its parameters by the hash of the configuration and its identifier", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-pull-"));
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  const node = { executor: "measure", component: "infer", parameters: { threads: 3 } };
  const hash = journal.store([{ name: "x" }, { name: "y", workflow: [node] }]);
  expect(await journal.parameters(hash, "infer")).toEqual({ threads: 3 });
  await expect(journal.parameters(hash, "other")).rejects.toThrow(/has no component other/);
  await expect(journal.parameters("0".repeat(64), "infer")).rejects.toThrow(/has no component infer/);
  journal.close();
  rmSync(folder, { recursive: true });
});
