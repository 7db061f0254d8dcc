import type { EarlyStopping } from "./early-stopping.ts";

/** Latency statistics of INTERFACES section 3. */
export interface Latency {
  p50: number;
  p90: number;
  p95: number;
  /** Of LoadGen's logs; records of earlier versions lack it. */
  p97?: number;
  p99: number;
  /** 99.9 %; the same. */
  p999?: number;
  min: number;
  max: number;
  mean: number;
  n: number;
  ci95_p50: [number, number];
  /** Of the others; records of earlier versions lack them, and one window has none of the mean. */
  ci95_p90?: [number, number];
  ci95_p95?: [number, number];
  ci95_p99?: [number, number];
  ci95_mean?: [number, number];
  early_stopping: EarlyStopping | null;
}

/** The percentile rule of MLPerf's LoadGen: the value at index floor(n x p) of the sorted values, no interpolation. */
export function percentile(sorted: Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] as number;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
