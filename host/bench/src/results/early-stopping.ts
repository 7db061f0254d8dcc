/**
 * Early stopping of MLPerf's LoadGen (loadgen/early_stopping.cc, inference rules): what a short run can say of a percentile
 * with 99 % confidence. For a percentile p let h(t) be the smallest h with P[Binomial(h + t, 1 - p) <= t] <= 0.01; of n
 * queries the largest t with h(t) + t <= n is taken, the t - 1 highest latencies are left out, and the next one is told.
 */
const CONFIDENCE = 0.99;

export interface EarlyStopping {
  confidence: number;
  /** Null where there are too few queries: 64 for p90, 219 for p97, 662 for p99. */
  p90: EarlyPercentile | null;
  p95: EarlyPercentile | null;
  p99: EarlyPercentile | null;
}

export interface EarlyPercentile {
  /** Upper bound of the percentile, microseconds. */
  value: number;
  /** Highest latencies that were left out. */
  discarded: number;
}

/** A bound that a percentile must keep, held against a run as LoadGen's Server scenario does. */
export interface LatencyBound {
  bound_us: number;
  percentile: number;
  queries: number;
  /** Queries above the bound. */
  over: number;
  /** Queries that a run with so many above the bound must have in all. */
  queries_needed: number;
  satisfied: boolean;
}

/** log(n!) by the sum of logarithms, kept. */
const logFactorials: number[] = [0];
function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i += 1) logFactorials.push((logFactorials[i - 1] as number) + Math.log(i));
  return logFactorials[n] as number;
}

/** P[Binomial(n, q) <= t], summed from its largest term down. */
function binomialUpTo(t: number, n: number, q: number): number {
  const [logQ, logP] = [Math.log(q), Math.log1p(-q)];
  let sum = 0;
  for (let k = t; k >= 0; k -= 1) {
    const log = logFactorial(n) - logFactorial(k) - logFactorial(n - k) + k * logQ + (n - k) * logP;
    const term = Math.exp(log);
    sum += term;
    // Below the mean each term is smaller than the one before; the rest cannot matter.
    if (term < sum * 1e-17) break;
  }
  return sum;
}

/** h(t): queries below the percentile that t above it need. */
function needed(t: number, p: number, from: number): number {
  let low = from;
  let high = Math.max(from + 1, 64);
  const enough = (h: number): boolean => binomialUpTo(t, h + t, 1 - p) <= 1 - CONFIDENCE;
  while (!enough(high)) {
    low = high;
    high *= 2;
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if (enough(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Highest latencies that a run of n queries leaves out at percentile p (0..1); null where it is too short. */
export function discarded(n: number, p: number): number | null {
  if (needed(1, p, 0) + 1 > n) return null;
  let low = 1;
  let high = Math.max(2, Math.ceil(n * (1 - p)) + 1);
  // h(t) + t grows with t, and t cannot exceed the expected number above the percentile.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (needed(middle, p, 0) + middle <= n) low = middle;
    else high = middle - 1;
  }
  return low - 1;
}

/** h(t): queries within a bound that t above it need (`MinPassingQueriesFinder` of loadgen/early_stopping.cc). */
export function passingNeeded(t: number, p: number): number {
  return needed(t, p, 0);
}

/**
 * The rule of LoadGen's Server scenario (`EarlyStopping` of loadgen/results.cc): t queries above the bound are counted, and
 * the run passes with h(t) + t queries or more. No estimate of the percentile is held against the bound.
 */
export function holdBound(queries: number, over: number, bound_us: number, p = 0.99): LatencyBound {
  const queries_needed = passingNeeded(over, p) + over;
  return { bound_us, percentile: p, queries, over, queries_needed, satisfied: queries >= queries_needed };
}

/** What latencies in ascending order say of their percentiles; null where there are too few for any. */
export function earlyStopping(sorted: Float64Array): EarlyStopping | null {
  const at = (p: number): EarlyPercentile | null => {
    const out = discarded(sorted.length, p);
    return out === null ? null : { value: sorted[sorted.length - 1 - out] as number, discarded: out };
  };
  const p90 = at(0.9);
  return p90 === null ? null : { confidence: CONFIDENCE, p90, p95: at(0.95), p99: at(0.99) };
}
