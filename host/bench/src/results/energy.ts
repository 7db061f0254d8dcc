import { coverageFactor } from "./coverage.ts";
import { median } from "./statistics.ts";

/** A term of a window's budget as the supervisor gives it. */
export interface WindowTerm {
  term: string;
  standard_uj: number;
  distribution: "rectangular" | "normal";
  systematic: boolean;
}

/** Energy of one window with the inferences that ran in it. */
export interface WindowEnergy {
  energy_uj: number;
  inferences: number;
  terms: WindowTerm[];
}

export interface EnergyPerInference {
  value: number;
  uncertainty: number;
  coverage: 0.95;
  method: "edges" | "host_clock";
  /** `degrees_of_freedom` of what was evaluated from the windows themselves. */
  budget: { term: string; value: number; distribution: string; degrees_of_freedom?: number }[];
}

/**
 * Variance of the median of n normal values over that of their mean (order statistics' moments of Teichroew, Annals of
 * Mathematical Statistics 27, 1956); pi / 2 in the limit.
 */
const MEDIAN_VARIANCE = [1, 1, 1.346, 1.193, 1.434, 1.288, 1.473, 1.345, 1.495, 1.383];
/** What of the deviation of one window is left in the median of n. */
function shrinkOf(n: number): number {
  return Math.sqrt((MEDIAN_VARIANCE[n - 1] ?? Math.PI / 2) / n);
}

/** Standard deviation of some values; 0 of one. */
function deviationOf(values: number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

/**
 * Energy per inference: the median over the windows of energy / inferences, and its expanded uncertainty.
 *
 * Each term is taken per inference. Systematic terms (gain, offset) are the same in all windows: their median stays.
 * What differs from window to window is evaluated twice, and the larger uncertainty stands. As the meter states it (type B):
 * its random terms, shrunk as the median shrinks them. And from the windows themselves (type A, GUM 4.2), where the target's
 * own differences are seen too: their standard deviation, shrunk alike, with n - 1 degrees of freedom, so that few windows
 * have Student's wide tails (GUM G.3) and not those of a known deviation. The Welch-Satterthwaite formula (GUM G.4) would
 * make one distribution of all terms; with one or two degrees of freedom beside larger terms it covers too little, and the
 * distribution of the sum is computed instead (JCGM 101:2008, `coverage.ts`).
 */
export function energyPerInference(windows: WindowEnergy[], method: "edges" | "host_clock"): EnergyPerInference {
  const each = windows.map((window) => window.energy_uj / window.inferences);
  const value = median(each);
  const shrink = shrinkOf(windows.length);
  const terms = (windows[0]?.terms ?? []).map(({ term, systematic, distribution }, i) => {
    const typical = median(windows.map((window) => (window.terms[i] as WindowTerm).standard_uj / window.inferences));
    return { systematic, entry: { term, value: typical * (systematic ? 1 : shrink), distribution } };
  });
  const degrees_of_freedom = windows.length - 1;
  const spread = {
    term: "spread of windows",
    value: deviationOf(each) * shrink,
    distribution: "t",
    degrees_of_freedom,
  };
  const systematic = terms.flatMap((term) => (term.systematic ? [term.entry] : []));
  const stated = expanded(terms.map(({ entry }) => entry));
  const seen = windows.length > 1 ? expanded([...systematic, spread]) : stated;
  const larger = seen.uncertainty > stated.uncertainty ? seen : stated;
  return { value, uncertainty: larger.uncertainty, coverage: 0.95, method, budget: larger.budget };
}

function expanded(budget: EnergyPerInference["budget"]): Pick<EnergyPerInference, "uncertainty" | "budget"> {
  const combined = Math.hypot(...budget.map((term) => term.value));
  return { uncertainty: coverageFactor(budget, 0.95) * combined, budget };
}
