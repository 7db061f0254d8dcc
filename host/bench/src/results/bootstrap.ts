import { uniform } from "../random.ts";
import { percentile } from "./statistics.ts";

const RESAMPLES = 400;
/** Values of a window that are drawn from; more would only cost time. */
const PER_WINDOW = 250;

/** Seeded whole numbers below a bound. */
function draws(seed: number): (below: number) => number {
  const random = uniform(seed);
  return (below) => Math.floor(random() * below);
}

/**
 * 95 % interval of the median by a two-stage bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3 and 8.5):
 * windows are drawn with replacement, then values in each. Values of one window are alike, so that an interval from the values
 * alone would be far too narrow. The same seed gives the same interval.
 */
export function medianInterval(windows: Float64Array[], seed = 1): [number, number] {
  const draw = draws(seed);
  const kept = windows.filter((window) => window.length > 0).map(thinned);
  if (kept.length === 0) return [Number.NaN, Number.NaN];
  // Values are drawn by their ranks, and the median of a draw is found by counting: nothing is sorted again.
  const all = kept
    .flatMap((window, w) => Array.from(window, (value) => ({ value, w })))
    .sort((a, b) => a.value - b.value);
  const ranks: number[][] = kept.map(() => []);
  for (const [rank, { w }] of all.entries()) (ranks[w] as number[]).push(rank);
  const each = Math.ceil(all.length / kept.length);
  const middle = Math.floor((each * kept.length) / 2);
  const counts = new Uint32Array(all.length);
  const medians = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i += 1) {
    counts.fill(0);
    for (let w = 0; w < kept.length; w += 1) {
      const window = ranks[draw(kept.length)] as number[];
      for (let k = 0; k < each; k += 1) {
        const rank = window[draw(window.length)] as number;
        counts[rank] = (counts[rank] as number) + 1;
      }
    }
    let rank = 0;
    for (let seen = counts[0] as number; seen <= middle; seen += counts[rank] as number) rank += 1;
    medians[i] = all[rank]?.value ?? Number.NaN;
  }
  medians.sort();
  return [percentile(medians, 0.025), percentile(medians, 0.975)];
}

/** At most `PER_WINDOW` values of a window, evenly spread over its time. */
function thinned(window: Float64Array): Float64Array {
  const count = Math.min(window.length, PER_WINDOW);
  const step = window.length / count;
  return Float64Array.from({ length: count }, (_, i) => window[Math.floor(i * step)] as number);
}
