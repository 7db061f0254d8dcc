import { uniform } from "../random.ts";
import { percentile } from "./statistics.ts";
import { studentFactor } from "./student.ts";

const COVERAGE = 0.95;
const RESAMPLES = 400;
/** Of the normal distribution, for the ranks of a single window. */
const NORMAL_FACTOR = 1.96;
/** Far below any latency, in whatever unit. */
const SHORTEST = 1e-9;

/** Seeded whole numbers below a bound. */
function draws(seed: number): (below: number) => number {
  const random = uniform(seed);
  return (below) => Math.floor(random() * below);
}

/** How many of ascending values are at most `value`. */
function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The percentile of windows of which each is there `weights` times, by LoadGen's rule; `all` are their values together. */
function weightedPercentile(windows: Float64Array[], weights: number[], all: Float64Array, p: number): number {
  const total = windows.reduce((sum, { length }, w) => sum + length * (weights[w] as number), 0);
  const before = Math.min(total - 1, Math.floor(total * p));
  let low = 0;
  let high = all.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value = all[middle] as number;
    let count = 0;
    for (let w = 0; w < windows.length; w += 1) {
      const times = weights[w] as number;
      if (times > 0) count += times * countUpTo(windows[w] as Float64Array, value);
    }
    if (count > before) high = middle;
    else low = middle + 1;
  }
  return all[low] as number;
}

/** A clock may not tell a latency from nothing. */
function logarithm(latency: number): number {
  return Math.log(Math.max(latency, SHORTEST));
}

/** Standard errors of the logarithms of percentiles over windows that are drawn with replacement, each as a whole. */
function standardErrors(windows: Float64Array[], all: Float64Array, shares: readonly number[], seed: number): number[] {
  const draw = draws(seed);
  // Few windows have few draws that differ.
  const known = new Map<string, number[]>();
  const resampled = Array.from({ length: RESAMPLES }, () => {
    const weights = windows.map(() => 0);
    for (let w = 0; w < windows.length; w += 1) {
      const drawn = draw(windows.length);
      weights[drawn] = (weights[drawn] as number) + 1;
    }
    const key = weights.join(" ");
    const values = known.get(key) ?? shares.map((p) => logarithm(weightedPercentile(windows, weights, all, p)));
    known.set(key, values);
    return values;
  });
  return shares.map((_, i) => {
    const mean = resampled.reduce((sum, values) => sum + (values[i] as number), 0) / RESAMPLES;
    const squares = resampled.reduce((sum, values) => sum + ((values[i] as number) - mean) ** 2, 0);
    return Math.sqrt(squares / RESAMPLES);
  });
}

/**
 * 95 % intervals of percentiles (0..1) of all windows together, by a bootstrap over windows (Davison and Hinkley, Bootstrap
 * Methods and their Application, 3.8): values of one window are alike, so that an interval from the values alone would be far
 * too narrow, and what values do inside a window is in the difference of windows already.
 *
 * Of k windows the bootstrap's own percentiles are too narrow twice: its variance is (k - 1) / k of what it stands for, and few
 * windows do not know their deviation. So the interval is the estimate +- t x sqrt(k / (k - 1)) x the bootstrap's standard
 * error, with Student's t of k - 1 degrees of freedom; on a scale of logarithms, since windows differ by factors and no latency
 * is negative. One window alone tells nothing of others: its interval is that of its
 * ranks (David and Nagaraja, Order Statistics, 7.1), true for that window. The same seed gives the same intervals.
 */
export function percentileIntervals(windows: Float64Array[], shares: readonly number[], seed = 1): [number, number][] {
  const kept = windows.filter((window) => window.length > 0).map((window) => window.slice().sort());
  const all = new Float64Array(kept.reduce((sum, window) => sum + window.length, 0));
  let at = 0;
  for (const window of kept) {
    all.set(window, at);
    at += window.length;
  }
  all.sort();
  const k = kept.length;
  if (k === 0) return shares.map(() => [Number.NaN, Number.NaN]);
  if (k === 1) return shares.map((p) => rankInterval(all, p));
  const factor = studentFactor(COVERAGE, k - 1) * Math.sqrt(k / (k - 1));
  const errors = standardErrors(kept, all, shares, seed);
  return shares.map((p, i) => {
    const value = percentile(all, p);
    const ratio = Math.exp(factor * (errors[i] as number));
    return [value / ratio, value * ratio];
  });
}

function rankInterval(sorted: Float64Array, p: number): [number, number] {
  const n = sorted.length;
  const half = NORMAL_FACTOR * Math.sqrt(n * p * (1 - p));
  const at = (rank: number): number => sorted[Math.min(n - 1, Math.max(0, rank))] as number;
  return [at(Math.floor(n * p - half)), at(Math.ceil(n * p + half))];
}
