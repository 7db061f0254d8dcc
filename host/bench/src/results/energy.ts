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
  budget: { term: string; value: number; distribution: string }[];
}

/** Efficiency of the median against the mean for normal errors: var(median) -> pi/2 x var(mean). */
const MEDIAN_FACTOR = Math.sqrt(Math.PI / 2);

/**
 * Energy per inference: the median over the windows of energy / inferences, and its expanded uncertainty.
 *
 * Each term is taken per inference. Systematic terms (gain, offset) are the same in all windows: their median stays.
 * Random terms are independent from window to window: they shrink with sqrt(windows), widened by sqrt(pi/2) for the
 * median. What the windows differ by beyond the random terms enters as a type A term (GUM 4.2). Combined in quadrature;
 * the expanded uncertainty holds 95 % of the distribution that the terms make together (GUM 6.3, `coverage.ts`).
 */
export function energyPerInference(windows: WindowEnergy[], method: "edges" | "host_clock"): EnergyPerInference {
  const each = windows.map((window) => window.energy_uj / window.inferences);
  const value = median(each);
  const shrink = windows.length > 2 ? MEDIAN_FACTOR / Math.sqrt(windows.length) : 1;
  const names = windows[0]?.terms ?? [];
  const budget = names.map((first, i) => {
    const typical = median(windows.map((window) => (window.terms[i] as WindowTerm).standard_uj / window.inferences));
    return {
      term: first.term,
      value: first.systematic ? typical : typical * shrink,
      distribution: first.distribution as string,
    };
  });
  if (windows.length > 1) {
    const mean = each.reduce((a, b) => a + b, 0) / each.length;
    const variance = each.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (each.length - 1);
    const known = names.reduce((sum, first, i) => {
      if (first.systematic) return sum;
      const typical = median(windows.map((window) => (window.terms[i] as WindowTerm).standard_uj / window.inferences));
      return sum + typical ** 2;
    }, 0);
    const deviation = Math.sqrt(Math.max(0, variance - known));
    budget.push({ term: "spread of windows", value: deviation * shrink, distribution: "normal" });
  }
  const combined = Math.hypot(...budget.map((term) => term.value));
  return { value, uncertainty: coverageFactor(budget, 0.95) * combined, coverage: 0.95, method, budget };
}
