import { expect, test } from "vitest";
import { toAccuracyLogs, toMlperf } from "./loadgen-log.ts";
import type { ResultRecord } from "./record.ts";
import { sampleRecord, sampleRun } from "./sample-record.ts";

const window = { start_tick: 0, stop_tick: 1, duration_us: 2_000_500, inferences: 40, p50_us: 1, energy_uj: 1 };
const windows = [window, { ...window, inferences: 30 }].map((entry) => ({ ...entry, samples_lost: 0 }));
const early_stopping = {
  confidence: 0.99,
  p90: { value: 130, discarded: 3 },
  p95: null,
  p99: { value: 190.0004, discarded: 1 },
};

function record(scenario: ResultRecord["scenario"], change: Parameters<typeof sampleRecord>[0] = {}): ResultRecord {
  const made = sampleRecord({ scenario, windows, throughput_per_s: 9000, seed: 7, ...change });
  Object.assign(made.latency_us as object, { early_stopping });
  return made;
}

/** The lines of a log by their keys, read as MLCommons' parsers do. */
function parsed(detail: string): Record<string, unknown> {
  const entries = detail
    .trimEnd()
    .split("\n")
    .map((line) => {
      expect(line.startsWith(":::MLLOG ")).toBe(true);
      const entry = JSON.parse(line.slice(":::MLLOG".length));
      // Every line is asked for both (tools/submission/log_parser.py).
      expect([entry.key, entry.metadata]).toEqual([entry.key, { is_error: false, is_warning: false }]);
      return [entry.key, entry.value];
    });
  expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length);
  return Object.fromEntries(entries);
}

const detail = (one: ResultRecord): Record<string, unknown> => parsed(toMlperf(sampleRun("01", [one]), one).detail);

test("the detailed log has what the submission checker reads of settings, validity and errors", () => {
  const one = record("single-stream", { accuracy: { metric: "top1", correct: 182, total: 240, value: 182 / 240 } });
  expect(detail(one)).toMatchObject({
    ...{ effective_scenario: "SingleStream", effective_test_mode: "PerformanceOnly", sut_name: "a" },
    ...{ effective_min_duration_ms: 4001, effective_min_query_count: 1, effective_samples_per_query: 1 },
    ...{ effective_sample_index_rng_seed: 7, effective_schedule_rng_seed: 7, effective_performance_sample_count: 200 },
    ...{ result_validity: "INVALID", result_min_duration_met: false, result_min_queries_met: true },
    ...{ early_stopping_met: true, result_query_count: 1000, num_errors: 0 },
    early_stopping_result:
      " * Processed at least 64 queries (1000).  * Would discard 3 highest latency queries.  * Early stopping 90.0th" +
      " percentile estimate: 130000  * Early stopping 99.0th percentile estimate: 190000",
  });
  // Whatever is not known has no line: no library of samples is drawn from, and this record has no data set.
  const bare = Object.keys(detail(record("single-stream")));
  for (const key of ["effective_qsl_rng_seed", "effective_performance_sample_count", "effective_target_qps"])
    expect(bare).not.toContain(key);
});

test.each<[ResultRecord["scenario"], Record<string, unknown>, string[]]>([
  [
    "single-stream",
    {
      ...{ early_stopping_latency_ss: 130000, early_stopping_latency_ms: 190000, result_mean_latency_ns: 100000 },
      ...{ result_qps_with_loadgen_overhead: 9000, result_qps_without_loadgen_overhead: 10000 },
    },
    ["result_perf_constraints_met", "result_samples_per_second"],
  ],
  [
    "multi-stream",
    {
      ...{ early_stopping_latency_ms: 190000, effective_samples_per_query: 8, result_mean_query_latency_ns: 100000 },
      "result_99.00_percentile_per_query_latency_ns": 150000,
    },
    // The samples of a query have no latencies of their own.
    ["result_mean_latency_ns", "result_99.00_percentile_latency_ns", "early_stopping_latency_ss"],
  ],
  [
    "server",
    {
      ...{ result_completed_samples_per_sec: 9000, effective_target_latency_ns: 200000, effective_target_qps: 500 },
      ...{ result_perf_constraints_met: true, result_overlatency_query_count: 1, early_stopping_met: true },
    },
    ["early_stopping_latency_ss"],
  ],
  [
    "offline",
    // One query a window, of all its samples.
    {
      result_samples_per_second: 9000,
      result_query_count: 2,
      effective_samples_per_query: 30,
      early_stopping_result: "",
    },
    ["result_completed_samples_per_sec", "early_stopping_latency_ms"],
  ],
])("the detailed log has the figures that %s is judged by, and none of another scenario", (scenario, has, lacks) => {
  const bound = { bound_us: 200, percentile: 0.99, queries: 1000, over: 1, queries_needed: 662, satisfied: true };
  const facts = { samples_per_query: 8, target_per_s: 500 };
  const keys =
    scenario === "multi-stream"
      ? ["samples_per_query" as const]
      : scenario === "server"
        ? ["target_per_s" as const]
        : [];
  const one = record(scenario, {
    facts: Object.fromEntries(keys.map((key) => [key, facts[key]])),
    ...(scenario === "server" ? { latency_bound: bound } : {}),
  });
  const found = detail(one);
  expect(found).toMatchObject(has);
  for (const key of lacks) expect(Object.keys(found)).not.toContain(key);
});

test("too few queries give the estimate 0, as LoadGen writes it, and say how many would be enough", () => {
  const few = record("single-stream");
  Object.assign(few.latency_us as object, { early_stopping: { ...early_stopping, p99: null } });
  expect(detail(few)).toMatchObject({ early_stopping_met: true, early_stopping_latency_ms: 0 });
  const { summary } = toMlperf(sampleRun("01", [few]), few);
  expect(summary).toContain(
    " * Early stopping 90.0th percentile estimate: 130000\n * Not enough queries processed for 99.0th percentile\n" +
      " early stopping estimate (would need to process at\n least 662 total queries).\n",
  );
});

test("the summary tells the rate of single queries with what lies between them and without", () => {
  const { summary } = toMlperf(sampleRun("01", []), record("single-stream"));
  expect(summary).toContain(
    "QPS w/ loadgen overhead         : 9000.00\nQPS w/o loadgen overhead        : 10000.00\n\nMin latency (ns) ",
  );
  expect(toMlperf(sampleRun("01", []), record("offline")).summary).not.toContain("QPS");
  const unknown = record("server", { throughput_per_s: null });
  expect(toMlperf(sampleRun("01", []), unknown).summary).toContain("No throughput was measured\n");
  expect(Object.keys(detail(unknown))).not.toContain("result_completed_samples_per_sec");
});

test("the logs of the pass over the data set tell its size, and nothing that was timed", () => {
  const { summary, detail: log } = toAccuracyLogs(sampleRun("01", []), record("offline"), 240);
  expect(summary).toContain("Scenario : Offline\nMode     : AccuracyOnly\n");
  expect(summary).toContain("Simulated: rail.");
  expect(parsed(log)).toEqual({
    ...{ sut_name: "a", effective_scenario: "Offline", effective_test_mode: "AccuracyOnly" },
    ...{ qsl_reported_total_count: 240, effective_accuracy_sample_count: 240 },
    ...{ simulated: ["rail"], measured_by: "MLTB", num_errors: 0 },
  });
});
