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
  /** p99 and what it must keep, where the scenario has a bound. */
  bound?: { p99_us: number; early_p99_us: number | null; latency_bound_us: number };
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
  const { bound } = facts;
  // The estimate of early stopping is what LoadGen holds against the bound; few queries have none.
  const p99_us = Math.max(bound?.p99_us ?? 0, bound?.early_p99_us ?? 0);
  if (bound !== undefined && p99_us > bound.latency_bound_us) {
    const which = p99_us === bound.p99_us ? "p99" : "p99 that early stopping can promise";
    invalid.push(`${which} of ${p99_us.toFixed(1)} us is above the bound of ${bound.latency_bound_us} us`);
  }
  if (invalid.length > 0) return { verdict: "invalid", reasons: invalid };
  const isShort = facts.window_s < FULL_WINDOW_S;
  const isFew = bound !== undefined && bound.early_p99_us === null;
  const reasons = isShort ? [`windows of ${facts.window_s} s, ${FULL_WINDOW_S} s are wanted`] : [];
  if (isFew) reasons.push("too few queries to promise the bound of p99: early stopping wants 662");
  const p50_us = facts.p50_us.filter((value) => value !== null);
  const spread = Math.max(...p50_us) / Math.min(...p50_us);
  if (spread > STABLE) reasons.push(`the medians of the windows differ by ${((spread - 1) * 100).toFixed(1)} %`);
  if (spread > (isShort ? STABLE_SHORT : STABLE)) return { verdict: "unstable", reasons };
  return { verdict: isShort || isFew ? "valid-short" : "valid", reasons };
}
