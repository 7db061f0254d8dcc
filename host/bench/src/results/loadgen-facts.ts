import { CYCLED } from "../runner/measure-model.ts";
import { type LoadgenConditions, lasted_s } from "./loadgen-conditions.ts";
import type { ResultRecord, RunDocument } from "./record.ts";
import type { Latency } from "./statistics.ts";

/** Microseconds as LoadGen writes latencies: whole nanoseconds. */
export const ns = (us: number): string => Math.round(us * 1000).toFixed(0);

/** Percentiles that both logs have, with LoadGen's words for them. Records from before some were kept lack them. */
const percentiles = [
  ["p50", "50.00"],
  ["p90", "90.00"],
  ["p95", "95.00"],
  ["p97", "97.00"],
  ["p99", "99.00"],
  ["p999", "99.90"],
] as const;

export function percentileRows(latency: Latency): [string, string][] {
  return percentiles.flatMap(([key, words]) => {
    const value = latency[key];
    return value === undefined ? [] : [[words, ns(value)] as [string, string]];
  });
}

/**
 * Facts as the lines of LoadGen's detailed log: `:::MLLOG` and a JSON object (loadgen/logging.cc). What is not known has no line.
 * MLCommons' parsers ask every line whether it is an error or a warning (tools/submission/log_parser.py), and `num_errors` of all.
 */
export function mllog(run: RunDocument, facts: [string, unknown][]): string {
  const time_ms = Date.parse(run.ended_at) - Date.parse(run.started_at);
  const told = [...facts, ["num_errors", 0] as const].filter(([, value]) => value !== null && value !== undefined);
  const lines = told.map(([key, value]) => {
    const metadata = { is_error: false, is_warning: false };
    const entry = { key, value, time_ms, namespace: "mlperf::logging", event_type: "POINT_IN_TIME", metadata };
    return `:::MLLOG ${JSON.stringify(entry)}`;
  });
  return `${lines.join("\n")}\n`;
}

/** A fact of the fingerprint that is a number; null where it is none. */
function number(record: ResultRecord, name: string): number | null {
  const value = record.fingerprint.fields[name];
  return typeof value === "number" ? value : null;
}

/** Queries and the samples of each: an offline window is one query of all its samples. */
function queriesOf(record: ResultRecord): { queries: number; samples: number | null } {
  const queries = record.latency_us?.n ?? 0;
  if (record.scenario === "multi-stream") return { queries, samples: number(record, "samples_per_query") };
  if (record.scenario !== "offline") return { queries, samples: 1 };
  const counts = record.windows.map(({ inferences }) => inferences);
  return { queries: counts.length, samples: counts.length === 0 ? null : Math.min(...counts) };
}

/** The figures that a scenario is judged by (`RESULT_FIELD_NEW` of MLCommons' submission checker). */
function figures(record: ResultRecord, latency: Latency): [string, unknown][] {
  const { scenario, throughput_per_s } = record;
  // LoadGen writes 0 where there were too few queries for an estimate.
  const early = (key: "p90" | "p99"): number => Number(ns(latency.early_stopping?.[key]?.value ?? 0));
  switch (scenario) {
    case "single-stream":
      return [
        ["result_qps_with_loadgen_overhead", throughput_per_s],
        ["result_qps_without_loadgen_overhead", 1e6 / latency.mean],
        ["early_stopping_latency_ss", early("p90")],
        ["early_stopping_latency_ms", early("p99")],
      ];
    case "multi-stream":
      return [["early_stopping_latency_ms", early("p99")]];
    case "server":
      return [["result_completed_samples_per_sec", throughput_per_s]];
    case "offline":
      return [["result_samples_per_second", throughput_per_s]];
  }
}

/** Latencies; those of a query of several samples are the query's alone. */
function latencies({ scenario }: ResultRecord, latency: Latency): [string, unknown][] {
  const [plain, ranked] =
    scenario === "multi-stream"
      ? ["query_latency_ns", "percentile_per_query_latency_ns"]
      : ["latency_ns", "percentile_latency_ns"];
  return [
    [`result_min_${plain}`, Number(ns(latency.min))],
    [`result_max_${plain}`, Number(ns(latency.max))],
    [`result_mean_${plain}`, Number(ns(latency.mean))],
    ...percentileRows(latency).map(
      ([words, value]) => [`result_${words}_${ranked}`, Number(value)] as [string, number],
    ),
  ];
}

/** What LoadGen's detailed log tells of settings and results. No library of samples is drawn from by a seed: none is told. */
export function loadgenFacts(
  record: ResultRecord,
  conditions: LoadgenConditions,
  validity: "VALID" | "INVALID",
): [string, unknown][] {
  const { latency_us: latency, latency_bound: bound, accuracy } = record;
  const { queries, samples } = queriesOf(record);
  return [
    ["effective_samples_per_query", samples],
    ["effective_target_qps", number(record, "target_per_s")],
    ["effective_target_latency_ns", bound === undefined ? null : Number(ns(bound.bound_us))],
    // LoadGen's is asked for before; that of a measurement which is over is what its windows lasted.
    ["effective_min_duration_ms", Math.floor(lasted_s(record) * 1000)],
    ["effective_min_query_count", 1],
    ["effective_sample_index_rng_seed", record.seed],
    ["effective_schedule_rng_seed", record.seed],
    ["effective_performance_sample_count", accuracy === null ? null : Math.min(CYCLED, accuracy.total)],
    ["result_validity", validity],
    ["result_perf_constraints_met", conditions.constraints],
    ["result_min_duration_met", conditions.min_duration],
    ["result_min_queries_met", conditions.min_queries],
    ["early_stopping_met", conditions.early_stopping],
    ["early_stopping_result", conditions.found.join(" ")],
    ["result_query_count", queries],
    ["result_overlatency_query_count", bound?.over],
    ...(latency === null ? [] : [...figures(record, latency), ...latencies(record, latency)]),
  ];
}
