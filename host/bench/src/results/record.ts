import { createHash } from "node:crypto";
import type { LatencyBound } from "./early-stopping.ts";
import type { EnergyPerInference } from "./energy.ts";
import type { SeenEnvironment } from "./environment.ts";
import type { Latency } from "./statistics.ts";

export type Verdict = "valid" | "valid-short" | "unstable" | "invalid";

/** One result, INTERFACES section 3. */
export interface ResultRecord {
  schema: "mltb.result/1";
  target: string;
  target_kind: "real" | "simulated" | "predicted";
  simulated: string[];
  model: { name: string; sha256: string; bytes: number; macs: number | null; weights: number | null };
  runtime: { name: string; version: string; threads: number };
  scenario: "single-stream" | "multi-stream" | "server" | "offline";
  seed: number;
  warmup: number;
  verdict: Verdict;
  reasons: string[];
  latency_us: Latency | null;
  /** How p99 keeps the bound of the server scenario, where it has one; records of earlier versions lack it. */
  latency_bound?: LatencyBound;
  phases_us: { pre: number; inference: number; post: number } | null;
  throughput_per_s: number | null;
  energy_uj_per_inference: EnergyPerInference | null;
  energy_refused: string | null;
  windows: {
    start_tick: number | null;
    stop_tick: number | null;
    duration_us: number;
    inferences: number;
    /** Null where no inference ended in it. */
    p50_us: number | null;
    energy_uj: number | null;
    samples_lost: number | null;
  }[];
  samples: { rate_hz: number; received: number; lost: number };
  memory_bytes: { peak: number } | null;
  accuracy: { metric: "top1"; correct: number; total: number; value: number } | null;
  /** Why a data set gave no accuracy, where there was one. */
  accuracy_refused?: string;
  numerical_error: { max_abs: number; rmse: number } | null;
  /** Why there is no numerical error. */
  numerical_error_refused?: string | null;
  /** Whether the model's process had a network. */
  network?: string;
  /** Whether it could write into the folder of its model. */
  model_folder?: string;
  /** What may have changed how fast the target was, before and after the windows. */
  environment?: {
    before: SeenEnvironment;
    after: SeenEnvironment;
    /** Calls of anybody that reached the agent while it measured; null where it does not count them. */
    requests_meanwhile: number | null;
  } | null;
  /** What of it casts doubt on the figures. */
  warnings?: string[];
  /** The metrics that a bench file asked for by name, with the values of this record. */
  metrics?: { name: string; metric: string; value: number | null }[];
  fingerprint: { hash: string; fields: Record<string, unknown> };
  artifacts: { path: string; sha256: string }[];
}

/** A target that could not be proved off at the end of a run. */
export interface NotSafe {
  target: string;
  reason: string;
}

/** What `mltb run` prints and stores. */
export interface RunDocument {
  schema: "mltb.run/1";
  run_id: string;
  experiment: string;
  started_at: string;
  ended_at: string;
  folder: string;
  /** SHA-256 of the configuration that it was begun with; runs of earlier versions lack these two. */
  configuration?: string;
  /** Targets that are not known to be off after it, and why; runs of earlier versions lack it and the next. */
  not_safe?: NotSafe[];
  /** Who ended it before its end, and why. */
  cancelled?: { reason: string; author: string } | null;
  /** What it was made of, and can be made of again. */
  recorded?: { path: string; sha256: string };
  results: ResultRecord[];
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Hash over the facts that must be equal before two results may be compared; keys in alphabetical order. */
export function fingerprint(fields: Record<string, unknown>): ResultRecord["fingerprint"] {
  const sorted = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { hash: sha256(JSON.stringify(sorted)), fields: sorted };
}
