import { type LatencyBound, passingNeeded } from "./early-stopping.ts";
import type { Verdict } from "./record.ts";

/** MLPerf Tiny's rule: a window lasts at least ten seconds. */
const FULL_WINDOW_S = 10;
/** Triton's rule of stability: the largest median of a window is within 10 % of the smallest. */
const STABLE = 1.1;
/**
 * The same for windows shorter than `FULL_WINDOW_S`: a fraction of a second averages little, and the spread of such
 * windows is told as a reason instead of a verdict until it reaches a factor of two.
 */
const STABLE_SHORT = 2;

export interface VerdictFacts {
  window_s: number;
  windows_asked: number;
  /** Of each window; null where no inference ended in it. */
  p50_us: (number | null)[];
  inferences: number[];
  samples_lost: number;
  energy_refused: string | null;
  /** p99 and how it keeps its bound, where the scenario has one. */
  bound?: { p99_us: number; held: LatencyBound };
  failure: string | null;
}

/** The verdict of a measurement, with every reason; there is always one. */
export function judge(facts: VerdictFacts): { verdict: Verdict; reasons: string[] } {
  const invalid: string[] = [];
  if (facts.failure !== null) invalid.push(facts.failure);
  else if (facts.p50_us.length !== facts.windows_asked) {
    invalid.push(`${facts.p50_us.length} of ${facts.windows_asked} windows were measured`);
  }
  if (facts.inferences.some((n) => n === 0)) invalid.push("a window without an inference");
  if (facts.samples_lost > 0) invalid.push(`${facts.samples_lost} current samples were lost inside windows`);
  if (facts.energy_refused !== null) invalid.push(`energy refused: ${facts.energy_refused}`);
  const kept = facts.bound === undefined ? { broken: null, few: null } : boundKept(facts.bound);
  if (kept.broken !== null) invalid.push(kept.broken);
  if (invalid.length > 0) return { verdict: "invalid", reasons: invalid };
  const isShort = facts.window_s < FULL_WINDOW_S;
  const reasons = isShort ? [`windows of ${facts.window_s} s, ${FULL_WINDOW_S} s are wanted`] : [];
  if (kept.few !== null) reasons.push(kept.few);
  const p50_us = facts.p50_us.filter((value) => value !== null);
  const spread = Math.max(...p50_us) / Math.min(...p50_us);
  if (spread > STABLE) reasons.push(`the medians of the windows differ by ${((spread - 1) * 100).toFixed(1)} %`);
  if (spread > (isShort ? STABLE_SHORT : STABLE)) return { verdict: "unstable", reasons };
  return { verdict: isShort || kept.few !== null ? "valid-short" : "valid", reasons };
}

/**
 * What a bound on p99 says: LoadGen wants p99 within it and early stopping satisfied (`PerfConstraintsMet` and `EarlyStopping`
 * of loadgen/results.cc). A run that is too short to pass with no query above the bound tells nothing against the target.
 */
function boundKept({ p99_us, held }: NonNullable<VerdictFacts["bound"]>): {
  broken: string | null;
  few: string | null;
} {
  const { bound_us, over, queries, queries_needed, percentile, satisfied } = held;
  if (p99_us > bound_us)
    return { broken: `p99 of ${p99_us.toFixed(1)} us is above the bound of ${bound_us} us`, few: null };
  if (satisfied) return { broken: null, few: null };
  const least = passingNeeded(0, percentile);
  if (queries < least)
    return { broken: null, few: `too few queries to promise the bound of p99: early stopping wants ${least} at least` };
  const more = `${over} of ${queries} queries are above the bound of ${bound_us} us: early stopping wants ${queries_needed - queries} more within it`;
  return { broken: more, few: null };
}
