import { writeCsv } from "./csv.ts";
import { loadgenConditions } from "./loadgen-conditions.ts";
import type { ResultRecord, RunDocument } from "./record.ts";
import type { Latency } from "./statistics.ts";

/** Columns of the CSV form: one row a record, simulated parts and verdict always beside the figures. */
const columns = [
  "run_id",
  "experiment",
  "target",
  "target_kind",
  "simulated",
  "model",
  "model_sha256",
  "runtime",
  "runtime_version",
  "threads",
  "scenario",
  "verdict",
  "reasons",
  "p50_us",
  "p90_us",
  "p95_us",
  "p99_us",
  "min_us",
  "max_us",
  "mean_us",
  "n",
  "throughput_per_s",
  "energy_uj_per_inference",
  "energy_uncertainty_uj",
  "energy_refused",
  "memory_peak_bytes",
  "accuracy_metric",
  "accuracy",
  "fingerprint",
];

/** The records of runs as CSV. */
export function toCsv(runs: RunDocument[]): string {
  const rows = runs.flatMap((run) =>
    run.results.map((record) => ({
      run_id: run.run_id,
      experiment: run.experiment,
      target: record.target,
      target_kind: record.target_kind,
      simulated: record.simulated.join(" "),
      model: record.model.name,
      model_sha256: record.model.sha256,
      runtime: record.runtime.name,
      runtime_version: record.runtime.version,
      threads: record.runtime.threads,
      scenario: record.scenario,
      verdict: record.verdict,
      reasons: record.reasons.join("; "),
      p50_us: record.latency_us?.p50,
      p90_us: record.latency_us?.p90,
      p95_us: record.latency_us?.p95,
      p99_us: record.latency_us?.p99,
      min_us: record.latency_us?.min,
      max_us: record.latency_us?.max,
      mean_us: record.latency_us?.mean,
      n: record.latency_us?.n,
      throughput_per_s: record.throughput_per_s,
      energy_uj_per_inference: record.energy_uj_per_inference?.value,
      energy_uncertainty_uj: record.energy_uj_per_inference?.uncertainty,
      energy_refused: record.energy_refused,
      memory_peak_bytes: record.memory_bytes?.peak,
      accuracy_metric: record.accuracy?.metric,
      accuracy: record.accuracy?.value,
      fingerprint: record.fingerprint.hash,
    })),
  );
  return writeCsv(rows, columns);
}

/** LoadGen's words for the scenarios; MLPerf names its folders so. */
export const scenarioNames: Record<ResultRecord["scenario"], string> = {
  "single-stream": "SingleStream",
  "multi-stream": "MultiStream",
  server: "Server",
  offline: "Offline",
};

/** The figure that LoadGen puts first: a percentile of the latencies, or a rate in its words. */
const headlines: Record<string, { percentile: "p90" | "p99" } | { rate: string }> = {
  "single-stream": { percentile: "p90" },
  "multi-stream": { percentile: "p99" },
  server: { rate: "Completed samples per second" },
  offline: { rate: "Samples per second" },
};

/** Percentiles that both logs have, with LoadGen's words for them. Records from before some were kept lack them. */
const percentiles = [
  ["p50", "50.00"],
  ["p90", "90.00"],
  ["p95", "95.00"],
  ["p97", "97.00"],
  ["p99", "99.00"],
  ["p999", "99.90"],
] as const;

function percentileRows(latency: Latency): [string, string][] {
  return percentiles.flatMap(([key, words]) => {
    const value = latency[key];
    return value === undefined ? [] : [[words, ns(value)] as [string, string]];
  });
}

/** The headline of a record. */
function headline({ scenario, throughput_per_s, latency_us: latency }: ResultRecord): string[] {
  if (latency === null) return ["No latency was measured"];
  const first = headlines[scenario];
  if (first === undefined || "rate" in first) return [`${first?.rate ?? "Samples per second"}: ${throughput_per_s}`];
  const words = first.percentile === "p90" ? "90.0th percentile" : "99.0th percentile";
  return [`${words} latency (ns) : ${ns(latency[first.percentile])}`];
}

const ns = (us: number): string => Math.round(us * 1000).toFixed(0);

/**
 * A record as LoadGen's two logs: `mlperf_log_summary.txt` in its words, `mlperf_log_detail.txt` with `:::MLLOG` lines. It says that
 * it was not LoadGen that measured, and which parts were simulated.
 */
export function toMlperf(run: RunDocument, record: ResultRecord): { summary: string; detail: string } {
  const { latency_us: latency } = record;
  const conditions = loadgenConditions(record);
  const sound = record.verdict === "valid" || record.verdict === "valid-short";
  const valid = sound && conditions.satisfied ? "VALID" : "INVALID";
  const line = "================================================";
  const scenario = scenarioNames[record.scenario];
  const rows = [
    line,
    "MLPerf Results Summary",
    line,
    `SUT name : ${record.target}`,
    `Scenario : ${scenario}`,
    "Mode     : PerformanceOnly",
    ...headline(record),
    `Result is : ${valid}`,
    ...conditions.lines,
    `  MLTB's verdict : ${record.verdict}`,
    ...record.reasons.map((reason) => `  ${reason}`),
    "",
    line,
    "Additional Stats",
    line,
    ...(latency === null
      ? []
      : [
          `QPS w/o loadgen overhead        : ${record.throughput_per_s}`,
          `Min latency (ns)                : ${ns(latency.min)}`,
          `Max latency (ns)                : ${ns(latency.max)}`,
          `Mean latency (ns)               : ${ns(latency.mean)}`,
          ...percentileRows(latency).map(([words, value]) => `${words} percentile latency (ns)   : ${value}`),
        ]),
    "",
    line,
    "Test Parameters Used",
    line,
    `sample_index_rng_seed : ${record.seed}`,
    `warmup : ${record.warmup}`,
    `windows : ${record.windows.length}`,
    ...(record.latency_bound === undefined ? [] : [`target_latency (ns) : ${ns(record.latency_bound.bound_us)}`]),
    "",
    `Measured by MLTB (run ${run.run_id}), not by LoadGen.`,
    record.simulated.length === 0 ? "No part was simulated." : `Simulated: ${record.simulated.join(", ")}.`,
  ];
  const facts: [string, unknown][] = [
    ["sut_name", record.target],
    ["effective_scenario", scenario],
    ["effective_sample_index_rng_seed", record.seed],
    ["result_validity", valid],
    ["result_query_count", latency?.n ?? 0],
    ...(latency === null
      ? []
      : ([
          ["result_min_latency_ns", Number(ns(latency.min))],
          ["result_max_latency_ns", Number(ns(latency.max))],
          ["result_mean_latency_ns", Number(ns(latency.mean))],
          ...percentileRows(latency).map(([words, value]) => [`result_${words}_percentile_latency_ns`, Number(value)]),
        ] as [string, unknown][])),
    ["simulated", record.simulated],
    ["measured_by", "MLTB"],
  ];
  const time_ms = Date.parse(run.ended_at) - Date.parse(run.started_at);
  const lines = facts.map(([key, value]) => {
    const entry = { key, value, time_ms, namespace: "mlperf::logging", event_type: "POINT_IN_TIME", metadata: {} };
    return `:::MLLOG ${JSON.stringify(entry)}`;
  });
  return { summary: `${rows.join("\n")}\n`, detail: `${lines.join("\n")}\n` };
}
