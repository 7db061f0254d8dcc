import { BUS_VOLTAGE_ERRORS, type ErrorTerm, FAST_CURRENT_ERRORS } from "@mltb/hardware";

/** One term of an uncertainty budget as a standard uncertainty (JCGM 100:2008, GUM). */
export interface BudgetTerm {
  term: string;
  standard_uj: number;
  distribution: "rectangular" | "normal";
  /** Systematic terms are the same in every window and do not average down. */
  systematic: boolean;
}

/** What the budget of one window needs to know. */
export interface WindowFacts {
  energy_uj: number;
  duration_us: number;
  mean_voltage_v: number;
  mean_current_a: number;
  period_us: number;
  amps_per_code: number;
  /** Difference between the mean power inside the window and just outside it. */
  swing_w: number;
}

function find(terms: ErrorTerm[], name: string): ErrorTerm {
  const term = terms.find((entry) => entry.term === name);
  if (term === undefined) throw new Error(`the hardware data has no error term ${name}`);
  return term;
}

/** Standard uncertainty of a half width: rectangular a / sqrt(3), normal as it is (GUM 4.3.7, 4.3.3). */
function standard(term: ErrorTerm): number {
  return term.distribution === "rectangular" ? term.half_width / Math.sqrt(3) : term.half_width;
}

/**
 * The budget of a window's energy E = sum(V x I x dt).
 *
 * gain: u = E x u_rel; offset: u = V x u(I) x T; noise and resolution: independent from sample to sample, so
 * u = V x u(I) x dt x sqrt(N); timing: each edge lies anywhere within half a sample of where the samples show it, and
 * moves swing_w x that time of energy in or out, two edges in quadrature.
 */
export function windowBudget(facts: WindowFacts): BudgetTerm[] {
  const samples = Math.max(1, facts.duration_us / facts.period_us);
  const perSample = facts.mean_voltage_v * facts.period_us * Math.sqrt(samples);
  const gain = find(FAST_CURRENT_ERRORS, "gain");
  const offset = find(FAST_CURRENT_ERRORS, "offset");
  const noise = find(FAST_CURRENT_ERRORS, "noise");
  const voltageGain = find(BUS_VOLTAGE_ERRORS, "voltage gain");
  const voltageOffset = find(BUS_VOLTAGE_ERRORS, "voltage offset");
  const energy = Math.abs(facts.energy_uj);
  return [
    {
      term: "resolution",
      standard_uj: (facts.amps_per_code / Math.sqrt(12)) * perSample,
      distribution: "rectangular",
      systematic: false,
    },
    { term: "gain", standard_uj: energy * standard(gain), distribution: gain.distribution, systematic: true },
    {
      term: "offset",
      standard_uj: facts.mean_voltage_v * standard(offset) * facts.duration_us,
      distribution: offset.distribution,
      systematic: true,
    },
    { term: "noise", standard_uj: standard(noise) * perSample, distribution: noise.distribution, systematic: false },
    {
      term: "timing",
      standard_uj: Math.abs(facts.swing_w) * (facts.period_us / 2 / Math.sqrt(3)) * Math.SQRT2,
      distribution: "rectangular",
      systematic: false,
    },
    {
      term: "voltage gain",
      standard_uj: energy * standard(voltageGain),
      distribution: voltageGain.distribution,
      systematic: true,
    },
    {
      term: "voltage offset",
      standard_uj: Math.abs(facts.mean_current_a) * standard(voltageOffset) * facts.duration_us,
      distribution: voltageOffset.distribution,
      systematic: true,
    },
  ];
}
