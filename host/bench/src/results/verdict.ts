import type { Verdict } from "./record.ts";

/** MLPerf Tiny's rule: a window lasts at least ten seconds. */
const FULL_WINDOW_S = 10;
/** Triton's rule of stability: the largest median of a window is within 10 % of the smallest. */
const STABLE = 1.1;

export interface VerdictFacts {
  window_s: number;
  windows_asked: number;
  p50_us: number[];
  inferences: number[];
  samples_lost: number;
  energy_refused: string | null;
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
  if (invalid.length > 0) return { verdict: "invalid", reasons: invalid };
  const short = facts.window_s < FULL_WINDOW_S ? [`windows of ${facts.window_s} s, ${FULL_WINDOW_S} s are wanted`] : [];
  const spread = Math.max(...facts.p50_us) / Math.min(...facts.p50_us);
  if (spread > STABLE) {
    const percent = ((spread - 1) * 100).toFixed(1);
    return { verdict: "unstable", reasons: [`the medians of the windows differ by ${percent} %, 10 % are allowed`, ...short] };
  }
  return short.length > 0 ? { verdict: "valid-short", reasons: short } : { verdict: "valid", reasons: [] };
}
