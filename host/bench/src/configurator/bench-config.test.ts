import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkFile, readExperiments } from "./experiment.ts";

const seed = fileURLToPath(new URL("../../../../examples/seed", import.meta.url));
const demo = fileURLToPath(new URL("../../../../examples/demo-bay.yml", import.meta.url));
const env = { MODELS_REPO: join(seed, "models"), MLTB_DATASET: join(seed, "data") };

/** A copy of the example, to be changed. */
function copy(): { file: string; edit(name: string, from: string | RegExp, to: string): void; folder: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mltb-seed-")));
  cpSync(seed, folder, { recursive: true });
  const edit = (name: string, from: string | RegExp, to: string): void => {
    const before = readFileSync(join(folder, name), "utf8");
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${name}: ${from} is not in it`);
    writeFileSync(join(folder, name), after);
  };
  edit("config_envs.yml", "BAY_FOLDER: ..", `BAY_FOLDER: ${demo.replace("/demo-bay.yml", "")}`);
  return { file: join(folder, "bench.yml"), edit, folder };
}

/** Faults as `FILE:LINE:COLUMN code`, with files below the copy's folder. */
function faults(folder: string, file: string, variables: Record<string, string> = env): string[] {
  return checkFile(file, [], variables).map(
    (fault) => `${fault.file.replace(`${folder}/`, "")}:${fault.line}:${fault.column} ${fault.code}`,
  );
}

test("the original file loads unchanged: picture, dynamic quantisation, built-in metric", () => {
  const read = readExperiments(join(seed, "bench.yml"), [], env);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  expect(read.experiments).toMatchObject([
    {
      name: "my_exp1",
      targets: ["local-cpu"],
      models: [
        {
          name: "densenet_onnx",
          file: join(seed, "models/densenet_onnx/1/model.onnx"),
          optimizations: [{ otype: "quantization", options: ["dynamic", "int8"] }],
        },
      ],
      picture: {
        file: join(seed, "data/images/mug.jpg"),
        scaling: "INCEPTION",
        shape: [3, 224, 224],
        dformat: "FORMAT_NCHW",
        dtype: "FP32",
      },
      measurements: [{ name: "compute_infer", metric: "compute_infer", field: "phases_us.inference" }],
    },
  ]);
});

test("the example is the published file, byte for byte (needs the reference beside the repository)", (context) => {
  const reference = fileURLToPath(new URL("../../../../../shared/reference/bench-config-example.yml", import.meta.url));
  let text: string;
  try {
    text = readFileSync(reference, "utf8");
  } catch {
    context.skip("the reference is not beside the repository");
    return;
  }
  expect(readFileSync(join(seed, "bench.yml"), "utf8")).toBe(text);
});

test("every missing include is told at its tag, and nothing is said of identifiers, models and data meanwhile", () => {
  const { file, folder, edit } = copy();
  rmSync(join(folder, "config_targets.yml"));
  rmSync(join(folder, "config_components.yml"));
  edit("bench.yml", "target: testbench_1", "target: nobody");
  expect(faults(folder, file, {})).toEqual(["bench.yml:6:3 file-not-found", "bench.yml:7:3 file-not-found"]);
  expect(checkFile(file, [], {})[0]?.message).toBe(`${join(folder, "config_targets.yml")} not found`);
});

test("an include that is missing in place of a value, or of items, is the only fault; what nobody wrote is missing all the same", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "options: [dynamic, int8]", "options: !include gone.yml");
  edit("bench.yml", "shape: [3, 224, 224]", "shape: [3, !include gone.yml, 224]");
  edit("bench.yml", "measurements: [compute_infer]", "measurements: [!include gone.yml]");
  expect(faults(folder, file)).toEqual([
    "bench.yml:17:14 file-not-found",
    "bench.yml:30:12 file-not-found",
    "bench.yml:39:18 file-not-found",
  ]);
  edit("bench.yml", "  otype: quantization\n", "");
  expect(faults(folder, file)).toContain("bench.yml:27:3 missing");
});

test("an include without a name is the only fault", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "options: [dynamic, int8]", "options: !include");
  edit("bench.yml", "!include config_targets.yml", "!include");
  expect(faults(folder, file)).toEqual(["bench.yml:6:3 value", "bench.yml:30:12 value"]);
});

test("names that every object has are no sections, parameters or metrics", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", /$/, "constructor:\n- { identifier: x }\ntoString: {}\n");
  edit("config_components.yml", "threads: 1", "valueOf: 1");
  expect(faults(folder, file)).toEqual([
    "bench.yml:41:1 unknown-key",
    "bench.yml:43:1 unknown-key",
    expect.stringMatching(/^config_components.yml:\d+:\d+ unknown-parameter$/),
  ]);
  const other = copy();
  other.edit("bench.yml", "mname: nv_inference_compute_infer_duration_us", "mname: toString");
  other.edit("bench.yml", "[compute_infer]", "[measure_1]");
  expect(readExperiments(other.file, [], env)).toMatchObject({
    experiments: [{ measurements: [{ name: "measure_1", metric: "toString", field: null }] }],
  });
});

test("a fault of form is told beside a missing include", () => {
  const { file, folder, edit } = copy();
  rmSync(join(folder, "config_targets.yml"));
  edit("bench.yml", "scaling: INCEPTION", "scalling: INCEPTION");
  expect(faults(folder, file)).toEqual([
    "bench.yml:6:3 file-not-found",
    "bench.yml:10:3 missing",
    "bench.yml:16:3 unknown-key",
  ]);
});

test("a server scenario without its rate is told where it stands, in a bench file and in an experiment file", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", /(\n +)optimizations: \[optimization_1\]/, "$&$1measure: { scenario: server }");
  expect(faults(folder, file)).toEqual(["bench.yml:41:12 missing"]);
  const [fault] = checkFile(file, [], env);
  expect(fault?.message).toMatch(/measure\.target_per_s: the server scenario needs it: add target_per_s: RATE/);
  edit("bench.yml", "scenario: server", "scenario: server, target_per_s: 5");
  expect(faults(folder, file)).toEqual([]);
  const plain = join(folder, "plain.yml");
  const bay = join(folder, "bay.yml");
  writeFileSync(bay, "bay: b\nracks: []\n");
  writeFileSync(plain, "experiment: x\nbay: bay.yml\nmeasure: { scenario: server }\n");
  expect(faults(folder, plain, {})).toContain("plain.yml:3:10 missing");
});

test("unknown identifiers, metrics, tags and sections come together, each in its file with the nearest name", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "application: app_1", "application: app_2");
  edit("bench.yml", "[compute_infer]", "[compute_infr, measure_1]");
  edit("bench.yml", "optimizations: [optimization_1]", "optimizations: [optimisation_1]");
  edit("bench.yml", "!measurement", "!measurment");
  edit("config_workflows_k8s.yml", "component: component_deploy", "component: component_deply");
  edit("config_targets.yml", "targets:", "tragets:");
  expect(faults(folder, file).sort()).toEqual(
    [
      "bench.yml:22:16 unknown-tag",
      "bench.yml:36:16 unknown-application",
      "bench.yml:38:11 unknown-target",
      "bench.yml:39:18 unknown-measurement",
      "bench.yml:39:32 unknown-measurement",
      "bench.yml:40:19 unknown-optimization",
      "config_targets.yml:2:1 unknown-key",
      "config_workflows_k8s.yml:6:47 unknown-component",
      "config_workflows_k8s.yml:7:71 unknown-node",
    ].sort(),
  );
  const mends = checkFile(file, [], env).map((fault) => fault.suggestion);
  expect(mends).toContain("did you mean app_1?");
  expect(mends).toContain("did you mean compute_infer?");
  expect(mends).toContain("did you mean !measurement?");
  expect(mends).toContain("did you mean targets?");
});

test("lists of included files concatenate; an identifier that stands twice is a fault that names both places", () => {
  const { file, folder, edit } = copy();
  edit(
    "config_components.yml",
    /$/,
    "- component: !component\n  identifier: component_infer\n  service: service_inference\n  tool: x\n",
  );
  expect(faults(folder, file)).toEqual(["config_components.yml:17:15 duplicate-name"]);
  expect(checkFile(file, [], env)[0]?.message).toContain(`${join(folder, "config_components.yml")}:12`);
});

test("an included list of entries is taken by their tags; a tag may stand on the mapping itself", () => {
  const { file, folder, edit } = copy();
  writeFileSync(
    join(folder, "config_targets.yml"),
    "- target: !target\n  identifier: testbench_1\n  bay: $BAY_FOLDER/demo-bay.yml\n  name: local-wasm\n- !measurement { identifier: m2, mname: nv_inference_request_duration_us }\n",
  );
  edit("bench.yml", "[compute_infer]", "[m2]");
  const read = readExperiments(file, [], env);
  expect(read).toMatchObject({
    experiments: [{ targets: ["local-wasm"], measurements: [{ name: "m2", field: "latency_us.mean" }] }],
  });
});

test("only MODELS_REPO, MLTB_* and declared variables expand; an unset one says so", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "$MODELS_REPO", "$HOME/models");
  edit("bench.yml", "$MLTB_DATASET/images", "$MLTB_PICTURES");
  const told = checkFile(file, [], { ...env, HOME: join(seed) });
  expect(told.map((fault) => [fault.line, fault.code])).toEqual([
    [12, "file-not-found"],
    [15, "variable-unset"],
  ]);
  expect(told[0]?.message).toContain(join(folder, "$HOME/models"));
});

test("faults of form, of references, of a workflow and of files are told together", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "mug.jpg", "mag.jpg");
  edit("bench.yml", "[compute_infer]", "[compute_infir]");
  edit("bench.yml", "shape: ", "form: 3\n  shape: ");
  edit("config_targets.yml", "name: local-cpu", "name: local-cpv");
  edit("config_components.yml", "threads: 1", "threads: 0");
  expect(faults(folder, file).map((fault) => fault.replace(/:\d+:\d+/, ""))).toEqual([
    "bench.yml file-not-found",
    "bench.yml unknown-key",
    "bench.yml unknown-measurement",
    "config_components.yml value",
    "config_targets.yml unknown-target",
  ]);
});

test("a list that is no list, or a number for a name, is a fault and no crash", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "[compute_infer]", "compute_infer");
  edit("bench.yml", "model_name: densenet_onnx", "model_name: 7");
  const told = faults(folder, file).map((fault) => fault.replace(/:\d+:\d+/, ""));
  expect(told).toEqual(["bench.yml type", "bench.yml type"]);
});

test("a missing model, picture or target is told at its value", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "model_name: densenet_onnx", "model_name: densenet");
  edit("bench.yml", "mug.jpg", "mag.jpg");
  edit("config_targets.yml", "name: local-cpu", "name: local-cpv");
  expect(faults(folder, file)).toEqual([
    "bench.yml:12:15 file-not-found",
    "bench.yml:14:14 file-not-found",
    "config_targets.yml:6:9 unknown-target",
  ]);
});

test("what a workflow asks of this version and does not get is a fault at its place, all at once", () => {
  const { file, folder, edit } = copy();
  edit("config_services_k8s.yml", "class: deployment", "class: deployment\n  phases: [flash]");
  edit("config_services_k8s.yml", "class: quantization", "class: quantization\n  phases: [recalibrate, quantize]");
  edit("config_components.yml", "threads: 1", "threads: 0, speed: 9");
  edit("bench.yml", "options: [dynamic, int8]", "options: [static, int8]");
  const told = checkFile(file, [], env);
  expect(told.map((fault) => `${fault.file.replace(`${folder}/`, "")} ${fault.path} ${fault.code}`)).toEqual([
    "config_services_k8s.yml config_files.0.services.0.phases.1 value",
    "config_services_k8s.yml config_files.0.services.1.phases.0 not-available",
    "config_components.yml config_files.4.components.2.parameters.threads value",
    "config_components.yml config_files.4.components.2.parameters.speed unknown-parameter",
    "bench.yml exps.0.optimizations.0 value",
  ]);
  expect(told.find((fault) => fault.path.endsWith("phases.1"))?.suggestion).toBe("their order: quantize, recalibrate");
});

test("static quantisation wants a service that offers it and recalibrates", () => {
  const { file, folder, edit } = copy();
  edit("bench.yml", "options: [dynamic, int8]", "options: [static, int8]");
  edit("config_services_k8s.yml", "values: [dynamic, int8]", "values: [static, dynamic, int8]");
  const [told] = checkFile(file, [], env);
  expect([told?.path, told?.suggestion]).toEqual(["exps.0.optimizations.0", "phases: [quantize, recalibrate]"]);
  edit("config_services_k8s.yml", "class: quantization", "class: quantization\n  phases: [quantize, recalibrate]");
  expect(faults(folder, file)).toEqual([]);
});

test("a workflow that nothing carries out, or whose order cannot be, is a fault at its node", () => {
  const { file, folder, edit } = copy();
  edit("config_services_k8s.yml", "class: quantization", "class: compression");
  expect(faults(folder, file)).toEqual(["config_workflows_k8s.yml:5:16 not-available", "bench.yml:40:19 value"]);
  edit("config_services_k8s.yml", "class: compression", "class: quantization");
  edit("config_workflows_k8s.yml", ", after: [component_deploy]", "");
  expect(faults(folder, file)).toEqual([expect.stringMatching(/^config_workflows_k8s.yml:7:\d+ value$/)]);
  edit("config_workflows_k8s.yml", /.*component_infer .*\n/, "");
  expect(faults(folder, file)).toEqual([expect.stringMatching(/^config_workflows_k8s.yml:\d+:\d+ missing$/)]);
});
