import type { ResultRecord } from "./record.ts";

/** What results are weighed by; accuracy is better when larger, the others when smaller. */
export const axes = ["latency", "energy", "accuracy", "memory"] as const;
export type Axis = (typeof axes)[number];

/** The cost of a record on an axis: smaller is better; null where the record does not have it. */
export function cost(record: ResultRecord, axis: Axis): number | null {
  switch (axis) {
    case "latency":
      return record.latency_us?.p50 ?? null;
    case "energy":
      return record.energy_uj_per_inference?.value ?? null;
    case "accuracy":
      return record.accuracy === null ? null : -record.accuracy.value;
    case "memory":
      return record.memory_bytes?.peak ?? null;
  }
}

/**
 * Records that no other beats: none is at least as good on every axis and better on one. Invalid records, and records that lack an
 * axis, are left out and counted.
 */
export function paretoFront(records: ResultRecord[], by: readonly Axis[]): { front: ResultRecord[]; left_out: number } {
  const points = records
    .filter((record) => record.verdict !== "invalid")
    .map((record) => ({ record, costs: by.map((axis) => cost(record, axis)) }))
    .filter((point): point is { record: ResultRecord; costs: number[] } =>
      point.costs.every((value) => value !== null),
    );
  const beats = (a: number[], b: number[]): boolean =>
    a.every((value, i) => value <= (b[i] as number)) && a.some((value, i) => value < (b[i] as number));
  const front = points.filter((point) => !points.some((other) => beats(other.costs, point.costs)));
  return { front: front.map((point) => point.record), left_out: records.length - points.length };
}
