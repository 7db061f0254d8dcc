import { writeCsv } from "./csv.ts";
import type { RunDocument } from "./record.ts";

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
