/** Latency statistics of INTERFACES section 3. */
export interface Latency {
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  min: number;
  max: number;
  mean: number;
  n: number;
  ci95_p50: [number, number];
  early_stopping: null;
}

/** The percentile rule of MLPerf's LoadGen: the value at index floor(n x p) of the sorted values, no interpolation. */
export function percentile(sorted: Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] as number;
}

/**
 * 95 % confidence interval of the median by order statistics: ranks n/2 -+ 1.96 sqrt(n)/2, the normal approximation of
 * the binomial (Conover, Practical Nonparametric Statistics, 3.2). It assumes independent values.
 */
function medianInterval(sorted: Float64Array): [number, number] {
  const n = sorted.length;
  const half = (1.96 * Math.sqrt(n)) / 2;
  const at = (rank: number): number => sorted[Math.max(0, Math.min(n - 1, rank))] as number;
  return [at(Math.floor(n / 2 - half)), at(Math.ceil(n / 2 + half))];
}

/** Statistics of latencies in microseconds; at least one value is needed. */
export function latency(values: Float64Array): Latency {
  const sorted = values.slice().sort();
  const n = sorted.length;
  return {
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    min: sorted[0] as number,
    max: sorted[n - 1] as number,
    mean: sorted.reduce((a, b) => a + b, 0) / n,
    n,
    ci95_p50: medianInterval(sorted),
    early_stopping: null,
  };
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
