import type { InferTimes } from "./process/model-process.ts";

/** How often something happened and how long it took in all. */
export interface Duration {
  count: number;
  ns: number;
}

const durations = ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output"] as const;
export type DurationName = (typeof durations)[number];

/** Counters of one model version; they only grow. Requests that are refused before they reach the model count nowhere. */
export class Statistics {
  readonly inference_stats = Object.fromEntries(durations.map((name) => [name, { count: 0, ns: 0 }])) as Record<
    DurationName,
    Duration
  >;
  inference_count = 0;
  execution_count = 0;
  /** Milliseconds since 1970. */
  last_inference = 0;

  success(total_ns: number, times: InferTimes): void {
    this.add("success", total_ns);
    this.add("queue", times.queue_ns);
    this.add("compute_input", times.pre_ns);
    this.add("compute_infer", times.inference_ns);
    this.add("compute_output", times.post_ns);
    this.inference_count += 1;
    this.execution_count += 1;
    this.last_inference = Date.now();
  }

  fail(total_ns: number): void {
    this.add("fail", total_ns);
  }

  private add(name: DurationName, ns: number): void {
    this.inference_stats[name].count += 1;
    this.inference_stats[name].ns += Math.round(ns);
  }
}
