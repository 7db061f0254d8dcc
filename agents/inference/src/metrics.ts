import { cpus, freemem, totalmem } from "node:os";
import { Counter, Gauge, Registry } from "prom-client";
import type { Entry, Repository } from "./repository.ts";
import type { Visits } from "./visits.ts";

type Read = (entry: Entry) => number;

const ns = (name: "success" | "queue" | "compute_input" | "compute_infer" | "compute_output"): Read => {
  // A number of ns is told in whole microseconds, as the name of the metric says.
  return (entry) => Math.round(entry.statistics.inference_stats[name].ns / 1000);
};

/** Triton's names, so that dashboards made for it work; durations are cumulative microseconds. */
const counters: [string, string, Read][] = [
  [
    "nv_inference_request_success",
    "Number of successful inference requests",
    (e) => e.statistics.inference_stats.success.count,
  ],
  [
    "nv_inference_request_failure",
    "Number of failed inference requests",
    (e) => e.statistics.inference_stats.fail.count,
  ],
  ["nv_inference_count", "Number of inferences", (e) => e.statistics.inference_count],
  ["nv_inference_exec_count", "Number of model executions", (e) => e.statistics.execution_count],
  ["nv_inference_request_duration_us", "Time of requests from end to end", ns("success")],
  ["nv_inference_queue_duration_us", "Time in which requests waited for the model", ns("queue")],
  ["nv_inference_compute_input_duration_us", "Time of preparing inputs", ns("compute_input")],
  ["nv_inference_compute_infer_duration_us", "Time of the runtime's calls", ns("compute_infer")],
  ["nv_inference_compute_output_duration_us", "Time of reading outputs", ns("compute_output")],
];

const gauges: [string, string, Read][] = [
  ["nv_inference_pending_request_count", "Requests that wait or run", (e) => e.loaded?.pending ?? 0],
  [
    "mltb_model_ready",
    "1 while the model serves, or will when it is asked",
    (e) => Number(e.loaded?.alive === true || e.rested === true),
  ],
  ["mltb_model_peak_resident_bytes", "Largest resident size of the model's process", (e) => e.loaded?.peak_bytes ?? 0],
];

/** Share of the machine's processors that was busy since it was asked last; of a machine that was up for no time, 0. */
function busyShare(): () => number {
  let [idle, all] = [0, 0];
  return () => {
    const times = cpus().map((cpu) => cpu.times);
    const now_idle = times.reduce((sum, time) => sum + time.idle, 0);
    const now_all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
    const share = now_all === all ? 0 : 1 - (now_idle - idle) / (now_all - all);
    [idle, all] = [now_idle, now_all];
    return Math.min(1, Math.max(0, share));
  };
}

/** The metrics of an agent, read from its models when they are asked for. */
export function agentMetrics(repository: Repository, visits: Visits): { contentType: string; text(): Promise<string> } {
  const registry = new Registry();
  const labelNames = ["model", "version"] as const;
  const labels = (entry: Entry): { model: string; version: string } => ({ model: entry.name, version: entry.version });
  for (const [name, help, read] of counters) {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const entry of repository.entries()) this.inc(labels(entry), read(entry));
      },
    });
  }
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const entry of repository.entries()) this.set(labels(entry), read(entry));
      },
    });
  }
  for (const [name, help, read] of [
    ["nv_cpu_utilization", "Share of the processors that was busy since the scrape before (0 to 1)", busyShare()],
    ["nv_cpu_memory_total_bytes", "Memory of the machine", totalmem],
    [
      "nv_cpu_memory_used_bytes",
      "Memory of the machine that is not available to programs",
      () => totalmem() - freemem(),
    ],
  ] as const) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
  for (const [name, help, read] of [
    ["mltb_requests_total", "Calls that reached the agent", () => visits.total],
    ["mltb_requests_while_measuring_total", "Calls that reached the agent while it measured", () => visits.disturbing],
  ] as const) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
