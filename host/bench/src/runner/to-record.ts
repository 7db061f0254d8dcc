import { simulatedAt } from "@mltb/contract";
import type { Experiment } from "../configurator/types.ts";
import { holdBound, type LatencyBound } from "../results/early-stopping.ts";
import { energyPerInference } from "../results/energy.ts";
import { boardWarnings, environmentWarnings } from "../results/environment.ts";
import { latency } from "../results/latency.ts";
import { fingerprint, type ResultRecord } from "../results/record.ts";
import { percentile } from "../results/statistics.ts";
import { judge } from "../results/verdict.ts";
import type { MeasuredWindow } from "./agent-client.ts";
import type { Host } from "./host-facts.ts";
import { type ModelFile, type ModelOutcome, rightOf } from "./measure-model.ts";

/** Window durations by the agent's clock and by marker edges may differ by this share before the pairing is doubted. */
const DURATION_TOLERANCE = 0.02;

/** Why the edges of a window may lie elsewhere than its agent says. */
const LATE = {
  simulated: "this machine was too busy to simulate the marker in time; less load or longer windows help",
  real: "the marker's edges were not those of this window, or one of the clocks is wrong",
};

/** Without edges nobody knows which samples belong to a window: the energy is left out, the latencies stand. */
const NO_MARKER = "the target has no marker: nothing tells which samples lie inside a window";

/** Why the energy of windows with marker edges cannot be believed; null where it can. */
function refusal(outcome: ModelOutcome, kind: keyof typeof LATE): string | null {
  const { windows } = outcome.measured;
  const seen = outcome.recording.windows;
  if (seen.length !== windows.length)
    return `${seen.length} marker windows were recorded, the agent measured ${windows.length}`;
  for (const [i, window] of windows.entries()) {
    const refused = seen[i]?.refused ?? null;
    if (refused !== null) return `window ${i + 1}: ${refused}`;
    const edges = seen[i]?.duration_us ?? 0;
    if (Math.abs(edges - window.duration_us) > DURATION_TOLERANCE * window.duration_us) {
      const both = `${edges.toFixed(0)} us by its edges and ${window.duration_us.toFixed(0)} us by the agent's clock`;
      return `window ${i + 1} lasted ${both}: ${LATE[kind]}`;
    }
    if (window.inferences === 0) return `window ${i + 1}: no inference ended in it`;
  }
  return null;
}

function weighted(windows: MeasuredWindow[], key: "pre_us" | "inference_us" | "post_us"): number {
  const count = windows.reduce((sum, window) => sum + window.inferences, 0);
  return windows.reduce((sum, window) => sum + window[key] * window.inferences, 0) / count;
}

/** How the queries of all windows keep a bound; null where there is none, or no query. */
function boundOf(bound_us: number | undefined, windows: MeasuredWindow[]): LatencyBound | null {
  const queries = windows.reduce((sum, { latency_us }) => sum + latency_us.length, 0);
  if (bound_us === undefined || queries === 0) return null;
  const over = windows.reduce((sum, { latency_us }) => sum + latency_us.filter((value) => value > bound_us).length, 0);
  return holdBound(queries, over, bound_us);
}

/**
 * How long windows were, for the verdict. An offline window has a number of samples and not a time, and may be shorter than was
 * asked for.
 */
function lasted_s({ scenario, window_s }: Experiment["measure"], windows: MeasuredWindow[]): number {
  if (scenario !== "offline") return window_s;
  const shortest_s = Math.min(...windows.map(({ duration_us }) => duration_us / 1e6));
  return shortest_s < window_s ? Math.floor(shortest_s * 1000) / 1000 : window_s;
}

function top1(answers: ModelOutcome["answers"] | undefined): ResultRecord["accuracy"] {
  if (answers == null || "refused" in answers) return null;
  const [correct, total] = [rightOf(answers), answers.predicted.length];
  return { metric: "top1", correct, total, value: correct / total };
}

/** Simulated parts that the record is of: as the recording says, and by the bay's file where there is none. */
function simulatedParts(experiment: Experiment, target: string, outcome: ModelOutcome | undefined): string[] {
  if (outcome === undefined) {
    const rack = experiment.bay.racks.find((entry) => entry.targets.some((t) => t.target === target));
    return rack === undefined ? [] : simulatedAt(rack);
  }
  const { measured, recording } = outcome;
  // What no edge came through has no part in it.
  return recording.simulated.filter((part) => part !== "marker" || measured.method === "edges");
}

/** What a record tells beside the experiment and what was measured. */
export interface RecordFacts {
  target: string;
  model: Omit<ModelFile, "bytes" | "threads"> & { size_bytes: number };
  host: Host;
  /** Of the experiment's inputs as they were when the run began; null where it has none, or they could not be read. */
  inputs_sha256: string | null;
}

/**
 * The record of a measured model; with `failure` instead of an outcome, the record that says why there is none. It follows from
 * what it is given, and from nothing else.
 */
export function toRecord(
  experiment: Experiment,
  facts: RecordFacts,
  outcome: ModelOutcome | { failure: string },
): ResultRecord {
  const { measure } = experiment;
  const { target, model, host } = facts;
  const good = "failure" in outcome ? undefined : outcome;
  const simulated = simulatedParts(experiment, target, good);
  const kind = simulated.length > 0 ? "simulated" : "real";
  const windows = good?.measured.windows ?? [];
  const recorded = good?.recording.windows ?? [];
  const marked = good?.measured.method === "edges";
  const doubted = good === undefined || !marked ? null : refusal(good, kind);
  const energy_refused = good === undefined ? "nothing was measured" : marked ? doubted : NO_MARKER;
  const energy =
    good === undefined || energy_refused !== null
      ? null
      : energyPerInference(
          windows.map((window, i) => ({
            energy_uj: recorded[i]?.energy_uj as number,
            inferences: window.inferences,
            terms: recorded[i]?.terms ?? [],
          })),
          good.measured.method,
        );
  const p50 = windows.map(({ latency_us: all }) => (all.length === 0 ? null : percentile(all.slice().sort(), 0.5)));
  const lost = recorded.reduce((sum, window) => sum + window.samples_lost, 0);
  const count = windows.reduce((sum, window) => sum + window.latency_us.length, 0);
  const seen = good?.measured.environment ?? null;
  const requests_meanwhile = good?.measured.requests_meanwhile ?? null;
  const statistics = count === 0 ? null : latency(windows.map((window) => window.latency_us));
  const latency_bound = boundOf(measure.latency_bound_us, windows);
  const { verdict, reasons: why } = judge({
    ...(latency_bound === null || statistics === null
      ? {}
      : { bound: { p99_us: statistics.p99, held: latency_bound } }),
    window_s: lasted_s(measure, windows),
    windows_asked: measure.windows,
    p50_us: p50,
    inferences: windows.map((window) => window.inferences),
    samples_lost: lost,
    energy_refused: doubted,
    failure: "failure" in outcome ? outcome.failure : null,
  });
  const reasons = good === undefined || marked ? why : [...why, `no energy: ${NO_MARKER}`];
  const inferences = windows.reduce((sum, window) => sum + window.inferences, 0);
  const total_us = windows.reduce((sum, window) => sum + window.duration_us, 0);
  const runtime = good?.measured.runtime ?? { name: "unknown", version: "unknown", threads: 0 };
  const record: ResultRecord = {
    schema: "mltb.result/1",
    target,
    target_kind: kind,
    simulated,
    model: {
      name: model.name,
      sha256: model.sha256,
      bytes: model.size_bytes,
      macs: model.macs,
      weights: model.weights,
    },
    runtime,
    scenario: measure.scenario,
    seed: measure.seed,
    warmup: measure.warmup,
    verdict,
    reasons,
    latency_us: statistics,
    ...(latency_bound === null ? {} : { latency_bound }),
    phases_us:
      count === 0
        ? null
        : {
            pre: weighted(windows, "pre_us"),
            inference: weighted(windows, "inference_us"),
            post: weighted(windows, "post_us"),
          },
    throughput_per_s: total_us === 0 ? null : (inferences / total_us) * 1e6,
    energy_uj_per_inference: energy,
    energy_refused,
    windows: windows.map((window, i) => ({
      start_tick: recorded[i]?.start_tick ?? null,
      stop_tick: recorded[i]?.stop_tick ?? null,
      duration_us: recorded[i]?.duration_us ?? window.duration_us,
      inferences: window.inferences,
      p50_us: p50[i] ?? null,
      energy_uj: recorded[i]?.energy_uj ?? null,
      samples_lost: recorded[i]?.samples_lost ?? null,
    })),
    samples: {
      rate_hz: good?.recording.rate_hz ?? 0,
      received: good?.recording.samples.received ?? 0,
      lost: good?.recording.samples.lost ?? 0,
    },
    memory_bytes: good?.measured.peak_memory_bytes == null ? null : { peak: good.measured.peak_memory_bytes },
    accuracy: top1(good?.answers),
    ...(good?.answers != null && "refused" in good.answers ? { accuracy_refused: good.answers.refused } : {}),
    numerical_error: good === undefined || "refused" in good.numerical ? null : good.numerical,
    numerical_error_refused:
      good === undefined ? "nothing was measured" : "refused" in good.numerical ? good.numerical.refused : null,
    network: good?.measured.network ?? "unknown",
    ...(good?.measured.model_folder === undefined ? {} : { model_folder: good.measured.model_folder }),
    environment: seen === null ? null : { ...seen, requests_meanwhile },
    warnings: [
      ...(marked ? boardWarnings(good?.recording.requests_inside) : []),
      ...(seen === null ? [] : environmentWarnings(seen.before, seen.after, requests_meanwhile, runtime.threads)),
    ],
    fingerprint: fingerprint({
      target,
      target_kind: kind,
      simulated,
      model_sha256: model.sha256,
      optimizations: model.optimizations,
      runtime: runtime.name,
      runtime_version: runtime.version,
      threads: runtime.threads,
      scenario: measure.scenario,
      warmup: measure.warmup,
      windows: measure.windows,
      window_s: measure.window_s,
      seed: measure.seed,
      ...(measure.scenario === "multi-stream" ? { samples_per_query: measure.samples_per_query } : {}),
      ...(measure.scenario === "server" ? { target_per_s: measure.target_per_s } : {}),
      // The verdict of a run under load hangs on it.
      ...(measure.latency_bound_us === undefined ? {} : { latency_bound_us: measure.latency_bound_us }),
      governor: seen?.before.governor ?? null,
      clock: seen?.before.clock ?? null,
      power_mode: seen?.before.power_mode ?? null,
      allowed_cpus: seen?.before.allowed_cpus ?? null,
      processor: seen?.before.processor ?? null,
      memory_bytes: seen?.before.memory_bytes ?? null,
      board: seen?.before.board ?? null,
      os: seen?.before.os ?? null,
      kernel: seen?.before.kernel ?? null,
      cooling: seen?.before.cooling ?? null,
      engine: seen?.before.engine ?? null,
      dataset: facts.inputs_sha256,
      nominal_v: good?.recording.nominal_v ?? null,
      board_revision: good?.recording.board_revision ?? null,
      firmware: good?.recording.firmware ?? null,
      // Of two calibrations the figures are of two instruments.
      calibration: good === undefined ? null : (good.recording.calibration_record ?? good.recording.calibration),
      meter: good?.recording.meter ?? null,
      host_cpu: host.cpu,
      host_cores: host.cores,
      host_os: host.os,
    }),
    artifacts: [],
  };
  if (experiment.measurements !== undefined) {
    record.metrics = experiment.measurements.map(({ name, metric, field }) => ({
      name,
      metric,
      value: pick(record, field),
    }));
  }
  return record;
}

/** The number at a path of a record; null where it has none. */
function pick(record: ResultRecord, field: string | null): number | null {
  if (field === null) return null;
  let at: unknown = record;
  for (const part of field.split(".")) at = (at as Record<string, unknown> | null)?.[part] ?? null;
  return typeof at === "number" ? at : null;
}
