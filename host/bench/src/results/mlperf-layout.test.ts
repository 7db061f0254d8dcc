import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { mlperfLayout } from "./mlperf-layout.ts";
import { sampleRecord, sampleRun } from "./sample-record.ts";

const ours = { division: "open", submitter: "acme" };
const top1 = (correct: number) => ({ metric: "top1" as const, correct, total: 200, value: correct / 200 });

/** What a layout has at a path. */
function textAt(layout: ReturnType<typeof mlperfLayout>, path: string): string {
  const found = layout.files.filter((file) => file.path === path);
  expect([path, found.length]).toEqual([path, 1]);
  return found[0]?.text ?? "";
}

test("the paths are those of a submission to MLPerf Inference, for every scenario", () => {
  const scenarios = ["single-stream", "multi-stream", "server", "offline"] as const;
  const records = scenarios.map((scenario) => sampleRecord({ scenario, accuracy: top1(182), facts: { scenario } }));
  const { files, left_out } = mlperfLayout([sampleRun("01", records)], ours, () => [1, 2]);
  const wanted = ["SingleStream", "MultiStream", "Server", "Offline"].flatMap((scenario) =>
    [
      ...["measurements.json", "user.conf", "README.md"],
      ...["performance/run_1/mlperf_log_summary.txt", "performance/run_1/mlperf_log_detail.txt"],
      ...["accuracy/accuracy.txt", "accuracy/mlperf_log_summary.txt", "accuracy/mlperf_log_detail.txt"],
      "accuracy/mlperf_log_accuracy.json",
    ].map((name) => `open/acme/results/a/m/${scenario}/${name}`),
  );
  expect(files.map(({ path }) => path)).toEqual(["open/acme/systems/a.json", ...wanted, "open/acme/src/README.md"]);
  expect(left_out).toEqual([]);
});

test("accuracy is told as the submission checker reads it, with the hash of its log, and whose it is", () => {
  const run = sampleRun("07", [sampleRecord({ target: "b" }), sampleRecord({ accuracy: top1(182) })]);
  const layout = mlperfLayout([run], ours, (of, result) => (of === run && result === 1 ? [7, 258] : undefined));
  const log = textAt(layout, "open/acme/results/a/m/SingleStream/accuracy/mlperf_log_accuracy.json");
  // LogAccuracy of LoadGen: digits of the answer's bytes, the lowest first.
  expect(log).toBe(
    '[\n{ "seq_id" : 0, "qsl_idx" : 0, "data" : "07000000" },\n{ "seq_id" : 1, "qsl_idx" : 1, "data" : "02010000" }\n]\n',
  );
  expect(JSON.parse(log)).toHaveLength(2);
  const text = textAt(layout, "open/acme/results/a/m/SingleStream/accuracy/accuracy.txt");
  const hash = createHash("sha256").update(log).digest("hex");
  expect(text).toBe(
    `accuracy=91.000%, good=182, total=200\nhash=${hash}\nMeasured by MLTB (run 07), not by LoadGen.\n`,
  );
  expect(/^accuracy=([\d.]+).*/.exec(text)?.[1]).toBe("91.000");
  expect(layout.left_out).toEqual(["open/acme/results/b/m/SingleStream/accuracy: no accuracy was measured"]);
});

test("a run that kept no classes has an accuracy without log and hash, and that is said", () => {
  const layout = mlperfLayout([sampleRun("07", [sampleRecord({ accuracy: top1(182) })])], ours);
  const text = textAt(layout, "open/acme/results/a/m/SingleStream/accuracy/accuracy.txt");
  expect(text).toBe("accuracy=91.000%, good=182, total=200\nMeasured by MLTB (run 07), not by LoadGen.\n");
  const log = "open/acme/results/a/m/SingleStream/accuracy/mlperf_log_accuracy.json";
  expect(layout.files.map(({ path }) => path)).not.toContain(log);
  expect(layout.left_out).toEqual([`${log}: run 07 kept no classes`]);
});

test("a scenario has the settings in LoadGen's words and what was done to the model; what is not known is empty", () => {
  const at = "open/acme/results/a/m/Server";
  const window = { start_tick: 0, stop_tick: 1, inferences: 1, p50_us: 1, energy_uj: 1, samples_lost: 0 };
  const record = sampleRecord({
    scenario: "server",
    windows: [{ ...window, duration_us: 1_500_900 }],
    latency_bound: { bound_us: 20_000, percentile: 0.99, queries: 9, over: 0, queries_needed: 459, satisfied: false },
    facts: { optimizations: ["int8 weights", "pruned"], target_per_s: 500 },
  });
  const layout = mlperfLayout([sampleRun("01", [record]), sampleRun("02", [record])], ours);
  expect(textAt(layout, `${at}/user.conf`)).toBe(
    [
      "# How MLTB measured, in the words of LoadGen, which did not run.",
      "*.Server.min_duration = 1500",
      "*.Server.min_query_count = 1",
      "*.Server.target_qps = 500",
      "*.Server.target_latency = 20",
      "*.Server.sample_index_rng_seed = 1",
      "*.Server.schedule_rng_seed = 1\n",
    ].join("\n"),
  );
  expect(JSON.parse(textAt(layout, `${at}/measurements.json`))).toEqual({
    ...{ input_data_types: "", retraining: "", weight_data_types: "" },
    ...{ starting_weights_filename: "m (SHA-256 00)", weight_transformations: "int8 weights; pruned" },
  });
  expect(textAt(layout, `${at}/README.md`)).toContain("Measured by MLTB (run 01), not by LoadGen");
  expect(textAt(layout, `${at}/README.md`)).toContain("Simulated: rail.");
});

test("runs of one model are repeats in their order; another model of that name has a folder of its own; nothing is written twice", () => {
  const first = sampleRun("01", [sampleRecord({ p50: 100, accuracy: top1(182) })]);
  const second = sampleRun("02", [
    sampleRecord({ p50: 200, accuracy: top1(180) }),
    sampleRecord({ p50: 300, facts: { optimizations: ["x"] } }),
    sampleRecord({ p50: 400, model: { ...sampleRecord().model, name: "m_2" } }),
  ]);
  const layout = mlperfLayout([second, first], ours, () => [0]);
  const run = (n: number, benchmark = "m"): string =>
    textAt(layout, `open/acme/results/a/${benchmark}/SingleStream/performance/run_${n}/mlperf_log_summary.txt`);
  expect(run(1)).toContain("90.0th percentile latency (ns) : 120000");
  expect(run(2)).toContain("90.0th percentile latency (ns) : 240000");
  expect(run(1, "m_2")).toContain("90.0th percentile latency (ns) : 360000");
  expect(run(1, "m_2_2")).toContain("90.0th percentile latency (ns) : 480000");
  expect(layout.left_out).toEqual([
    "open/acme/results/a/m/SingleStream: run 02 has another accuracy: accuracy=90.000%, good=180, total=200",
    "open/acme/results/a/m_2/SingleStream/accuracy: no accuracy was measured",
    "open/acme/results/a/m_2_2/SingleStream/accuracy: no accuracy was measured",
  ]);
  const paths = layout.files.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
});

test("a system is described with every field that MLPerf wants; another stack on the same target is another system", () => {
  const facts = {
    processor: "Cortex-A78",
    memory_bytes: 8 * 2 ** 30,
    os: "Ubuntu 22.04",
    kernel: "5.15",
    clock: "1-2 MHz",
  };
  const other = sampleRecord({ facts, runtime: { name: "litert", version: "2", threads: 4 } });
  const layout = mlperfLayout([sampleRun("01", [sampleRecord({ facts }), other, sampleRecord({ facts })])], ours);
  const system = JSON.parse(textAt(layout, "open/acme/systems/a.json"));
  expect(system).toMatchObject({
    ...{ division: "open", submitter: "acme", system_name: "a", framework: "r 1", system_type: "edge", status: "rdi" },
    ...{ host_processor_model_name: "Cortex-A78", host_memory_capacity: "8.0 GiB", number_of_nodes: 1 },
    ...{ operating_system: "Ubuntu 22.04; kernel 5.15", host_processor_frequency: "1-2 MHz" },
    ...{ hw_notes: "simulated: rail", sw_notes: "threads: 1; measured by MLTB" },
  });
  expect(Object.keys(system)).toHaveLength(35);
  expect(system).toMatchObject({ accelerators_per_node: "", accelerator_model_name: "" });
  expect(JSON.parse(textAt(layout, "open/acme/systems/a_2.json"))).toMatchObject({
    ...{ framework: "litert 2", accelerators_per_node: "0", accelerator_model_name: "N/A" },
  });
  textAt(layout, "open/acme/results/a_2/m/SingleStream/performance/run_1/mlperf_log_summary.txt");
  textAt(layout, "open/acme/results/a/m/SingleStream/performance/run_2/mlperf_log_summary.txt");
});

test("names of records lead nowhere else", () => {
  const model = { ...sampleRecord().model, name: "../../x" };
  const { files } = mlperfLayout([sampleRun("01", [sampleRecord({ target: "..", model })])], ours);
  for (const { path } of files) expect(path.split("/")).not.toContain("..");
  expect(files.map(({ path }) => path)).toContain("open/acme/systems/_.json");
});

test("what measured nothing is left out, and named", () => {
  const failed = sampleRecord({ latency_us: null, verdict: "invalid", reasons: ["the agent died"] });
  expect(mlperfLayout([sampleRun("01", [failed])], ours)).toEqual({
    files: [],
    left_out: ["a m of run 01: nothing was measured: the agent died"],
  });
});
