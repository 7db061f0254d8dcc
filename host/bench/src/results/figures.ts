import { levelInterval, shareInterval } from "./intervals.ts";
import type { ResultRecord } from "./record.ts";

/** A figure of a record, with what is known of its uncertainty: a 95 % interval, or a share that it may move by. */
export interface Figure {
  name: string;
  value: number;
  interval: [number, number] | null;
  /** Where there is no interval: runs of an unchanged target differ by less than this share. */
  threshold: number;
}

/** The largest resident size is by pages and by the allocator's mood; a twentieth is seen between equal runs. */
const MEMORY_SHARE = 0.1;
/** Percentiles and means of records of earlier versions, which keep no interval, and throughputs of one window. */
const PLAIN_SHARE = 0.25;

/** Samples per second of each window; what differs between them is the throughput's uncertainty. */
function throughputInterval({ windows }: ResultRecord): [number, number] | null {
  return levelInterval(windows.map(({ inferences, duration_us }) => (inferences / duration_us) * 1e6));
}

/** Every figure of a record by which two runs are compared. */
export function figuresOf(record: ResultRecord): Figure[] {
  const list: Figure[] = [];
  const add = (name: string, value: number, interval: [number, number] | null, threshold = PLAIN_SHARE): void => {
    list.push({ name, value, interval, threshold });
  };
  const { latency_us: latency, energy_uj_per_inference: energy, accuracy } = record;
  if (latency !== null) {
    add("latency_us.p50", latency.p50, latency.ci95_p50);
    add("latency_us.p90", latency.p90, latency.ci95_p90 ?? null);
    add("latency_us.p95", latency.p95, latency.ci95_p95 ?? null);
    add("latency_us.p99", latency.p99, latency.ci95_p99 ?? null);
    add("latency_us.mean", latency.mean, latency.ci95_mean ?? null);
  }
  if (record.throughput_per_s !== null) add("throughput_per_s", record.throughput_per_s, throughputInterval(record));
  if (energy !== null)
    add("energy_uj_per_inference", energy.value, [
      energy.value - energy.uncertainty,
      energy.value + energy.uncertainty,
    ]);
  if (record.memory_bytes !== null) add("memory_bytes.peak", record.memory_bytes.peak, null, MEMORY_SHARE);
  if (accuracy !== null) add("accuracy", accuracy.value, shareInterval(accuracy.correct, accuracy.total));
  return list;
}

/** Whether two figures differ for real: their intervals part, or they are further from each other than equal runs get. */
export function differs(a: Figure, b: Figure): boolean {
  if (a.interval !== null && b.interval !== null) return a.interval[1] < b.interval[0] || b.interval[1] < a.interval[0];
  if (a.value === b.value) return false;
  const smaller = Math.min(Math.abs(a.value), Math.abs(b.value));
  return Math.abs(a.value - b.value) > Math.max(a.threshold, b.threshold) * smaller;
}
