import { conditionLines, lasted_s, loadgenConditions } from "./loadgen-conditions.ts";
import { loadgenFacts, mllog, ns, percentileRows } from "./loadgen-facts.ts";
import type { ResultRecord, RunDocument } from "./record.ts";
import type { Latency } from "./statistics.ts";

/** LoadGen's words for the scenarios; MLPerf names its folders so. */
export const scenarioNames: Record<ResultRecord["scenario"], string> = {
  "single-stream": "SingleStream",
  "multi-stream": "MultiStream",
  server: "Server",
  offline: "Offline",
};

/** LoadGen's two logs of a run. */
export interface LoadgenLogs {
  summary: string;
  detail: string;
}

const line = "================================================";

/** The figure that LoadGen puts first: a percentile of the latencies, or a rate in its words. */
function headline({ scenario, throughput_per_s, latency_us: latency }: ResultRecord): string[] {
  if (latency === null) return ["No latency was measured"];
  if (scenario === "single-stream") return [`90.0th percentile latency (ns) : ${ns(latency.p90)}`];
  if (scenario === "multi-stream") return [`99.0th percentile latency (ns) : ${ns(latency.p99)}`];
  if (throughput_per_s === null) return ["No throughput was measured"];
  if (scenario === "server") return [`Completed samples per second    : ${throughput_per_s.toFixed(2)}`];
  return [`Samples per second: ${throughput_per_s}`];
}

function statistics({ scenario, throughput_per_s }: ResultRecord, latency: Latency): string[] {
  const single = scenario === "single-stream";
  return [
    ...(single && throughput_per_s !== null
      ? [`QPS w/ loadgen overhead         : ${throughput_per_s.toFixed(2)}`]
      : []),
    ...(single ? [`QPS w/o loadgen overhead        : ${(1e6 / latency.mean).toFixed(2)}`, ""] : []),
    // A query's samples have no latencies of their own.
    ...(scenario === "multi-stream" ? ["Per-query latency:  "] : []),
    `Min latency (ns)                : ${ns(latency.min)}`,
    `Max latency (ns)                : ${ns(latency.max)}`,
    `Mean latency (ns)               : ${ns(latency.mean)}`,
    ...percentileRows(latency).map(([words, value]) => `${words} percentile latency (ns)   : ${value}`),
  ];
}

function whose(run: RunDocument, { simulated }: ResultRecord): string[] {
  return [
    `Measured by MLTB (run ${run.run_id}), not by LoadGen.`,
    simulated.length === 0 ? "No part was simulated." : `Simulated: ${simulated.join(", ")}.`,
  ];
}

/**
 * A record as LoadGen's two logs: `mlperf_log_summary.txt` in its words (`LogSummary` of loadgen/results.cc),
 * `mlperf_log_detail.txt` with `:::MLLOG` lines (`LogDetail` there, and `LogEffectiveSettings` of test_settings_internal.cc). It
 * says that it was not LoadGen that measured, and which parts were simulated.
 */
export function toMlperf(run: RunDocument, record: ResultRecord): LoadgenLogs {
  const { latency_us: latency } = record;
  const conditions = loadgenConditions(record);
  const sound = record.verdict === "valid" || record.verdict === "valid-short";
  const valid = sound && conditions.satisfied ? "VALID" : "INVALID";
  const scenario = scenarioNames[record.scenario];
  const rows = [
    ...[line, "MLPerf Results Summary", line],
    `SUT name : ${record.target}`,
    `Scenario : ${scenario}`,
    "Mode     : PerformanceOnly",
    ...headline(record),
    `Result is : ${valid}`,
    ...conditionLines(conditions),
    `  MLTB's verdict : ${record.verdict}`,
    ...record.reasons.map((reason) => `  ${reason}`),
    ...["", line, "Additional Stats", line],
    ...(latency === null ? [] : statistics(record, latency)),
    ...["", line, "Test Parameters Used", line],
    `min_duration (ms): ${Math.floor(lasted_s(record) * 1000)}`,
    `sample_index_rng_seed : ${record.seed}`,
    `warmup : ${record.warmup}`,
    `windows : ${record.windows.length}`,
    ...(record.latency_bound === undefined ? [] : [`target_latency (ns): ${ns(record.latency_bound.bound_us)}`]),
    "",
    ...whose(run, record),
  ];
  const facts: [string, unknown][] = [
    ["sut_name", record.target],
    ["effective_scenario", scenario],
    ["effective_test_mode", "PerformanceOnly"],
    ...loadgenFacts(record, conditions, valid),
    ["simulated", record.simulated],
    ["measured_by", "MLTB"],
  ];
  return { summary: `${rows.join("\n")}\n`, detail: mllog(run, facts) };
}

/** The logs of the pass over the data set, which is another one than that which is timed; of a record that has an accuracy. */
export function toAccuracyLogs(run: RunDocument, record: ResultRecord, total: number): LoadgenLogs {
  const scenario = scenarioNames[record.scenario];
  const rows = [
    ...[line, "MLPerf Results Summary", line],
    `SUT name : ${record.target}`,
    `Scenario : ${scenario}`,
    "Mode     : AccuracyOnly",
    "",
    ...whose(run, record),
  ];
  const facts: [string, unknown][] = [
    ["sut_name", record.target],
    ["effective_scenario", scenario],
    ["effective_test_mode", "AccuracyOnly"],
    ["qsl_reported_total_count", total],
    ["effective_accuracy_sample_count", total],
    ["simulated", record.simulated],
    ["measured_by", "MLTB"],
  ];
  return { summary: `${rows.join("\n")}\n`, detail: mllog(run, facts) };
}
