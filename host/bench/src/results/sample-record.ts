import { fingerprint, type ResultRecord, type RunDocument } from "./record.ts";

/** For tests: a record of a valid measurement; `p50` scales its latencies, `facts` go into its fingerprint. */
export function sampleRecord(
  change: Partial<ResultRecord> & { p50?: number; facts?: Record<string, unknown> } = {},
): ResultRecord {
  const { p50 = 100, facts = {}, ...rest } = change;
  return {
    schema: "mltb.result/1",
    target: "a",
    target_kind: "simulated",
    simulated: ["rail"],
    model: { name: "m", sha256: "00", bytes: 1, macs: 1, weights: 1 },
    runtime: { name: "r", version: "1", threads: 1 },
    scenario: "single-stream",
    seed: 1,
    warmup: 1,
    verdict: "valid",
    reasons: [],
    latency_us: {
      p50,
      p90: p50 * 1.2,
      p95: p50 * 1.3,
      p99: p50 * 1.5,
      min: p50 / 2,
      max: p50 * 2,
      mean: p50,
      n: 1000,
      ci95_p50: [p50 * 0.99, p50 * 1.01],
      early_stopping: null,
    },
    phases_us: null,
    throughput_per_s: 1e6 / p50,
    energy_uj_per_inference: { value: 50, uncertainty: 2, coverage: 0.95, method: "edges", budget: [] },
    energy_refused: null,
    windows: [],
    samples: { rate_hz: 1, received: 1, lost: 0 },
    memory_bytes: { peak: 1e6 },
    accuracy: null,
    numerical_error: null,
    fingerprint: fingerprint({ target: "a", supply_v: 3, ...facts }),
    artifacts: [],
    ...rest,
  };
}

/** For tests: the document of a run that started in second `id` of the year. */
export function sampleRun(id: string, results: ResultRecord[]): RunDocument {
  const at = `2026-01-01T00:00:${id}Z`;
  return { schema: "mltb.run/1", run_id: id, experiment: "e", started_at: at, ended_at: at, folder: "", results };
}
