import type { RecordingDocument } from "../runner/bay-api.ts";
import { holdBound } from "./early-stopping.ts";
import { energyPerInference } from "./energy.ts";
import { latency } from "./latency.ts";
import { readLatencies } from "./latency-file.ts";
import { readTrace } from "./library.ts";
import type { ResultRecord, RunDocument } from "./record.ts";
import { percentile } from "./statistics.ts";
import { judge } from "./verdict.ts";

/** A record whose figures were computed anew from what was measured, and those in which it differs from the stored one. */
export interface Recomputed {
  target: string;
  model: string;
  /** Why nothing could be computed. */
  missing: string | null;
  differing: { field: string; stored: unknown; computed: unknown }[];
}

/** Why a record has no energy without any doubt about its measurement. */
const NO_MARKER = /^the target has no marker/;

function recomputed(
  record: ResultRecord,
  windows: Float64Array[],
  recording: RecordingDocument,
): Partial<ResultRecord> {
  const statistics = windows.some((window) => window.length > 0) ? latency(windows) : null;
  const p50_us = windows.map((window) => (window.length === 0 ? null : percentile(window.slice().sort(), 0.5)));
  const { energy_refused, energy_uj_per_inference: energy, latency_bound: bound, fingerprint } = record;
  const held =
    bound === undefined
      ? undefined
      : holdBound(
          windows.reduce((sum, { length }) => sum + length, 0),
          windows.reduce((sum, window) => sum + window.filter((value) => value > bound.bound_us).length, 0),
          bound.bound_us,
          bound.percentile,
        );
  const { verdict } = judge({
    ...(held === undefined || statistics === null ? {} : { bound: { p99_us: statistics.p99, held } }),
    window_s: Number(fingerprint.fields["window_s"]),
    windows_asked: Number(fingerprint.fields["windows"]),
    p50_us,
    inferences: record.windows.map(({ inferences }) => inferences),
    samples_lost: recording.windows.reduce((sum, { samples_lost }) => sum + samples_lost, 0),
    energy_refused: NO_MARKER.test(energy_refused ?? "") ? null : energy_refused,
    failure: null,
  });
  return {
    verdict,
    latency_us: statistics,
    ...(held === undefined ? {} : { latency_bound: held }),
    energy_uj_per_inference:
      energy === null
        ? null
        : energyPerInference(
            recording.windows.map(({ energy_uj, terms }, i) => ({
              energy_uj: energy_uj as number,
              inferences: record.windows[i]?.inferences ?? 0,
              terms,
            })),
            energy.method,
          ),
    windows: record.windows.map((window, i) => ({ ...window, p50_us: p50_us[i] ?? null })),
  };
}

/** Computes the figures of a run's records anew, from the latencies and the trace in its folder alone. */
export function recomputeRun(run: RunDocument): Recomputed[] {
  return run.results.map((record) => {
    const head = { target: record.target, model: record.model.name };
    const windows = readLatencies(run.folder, record);
    const recording = readTrace(run.folder, record);
    if (windows === undefined || recording === undefined)
      return { ...head, missing: `the run kept no ${windows === undefined ? "latencies" : "trace"}`, differing: [] };
    const stored = record as unknown as Record<string, unknown>;
    const differing = Object.entries(recomputed(record, windows, recording))
      .filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(stored[field]))
      .map(([field, value]) => ({ field, stored: stored[field] ?? null, computed: value ?? null }));
    return { ...head, missing: null, differing };
  });
}
