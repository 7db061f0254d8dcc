import { BUS_VOLTAGE_ERRORS, type ErrorTerm, FAST_CURRENT_ERRORS, INA226, monitoringConverter } from "@mltb/hardware";

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
  /** Standard deviation of the power of the samples just outside. */
  outside_deviation_w: number;
  /** Standard deviation of the power of the samples inside. */
  power_deviation_w: number;
  /** The same of the current, and of what the voltage does between two readings of it. */
  current_deviation_a: number;
  voltage_ripple_v: number;
  /** Time inside the window without samples. */
  lost_us: number;
}

function find(terms: ErrorTerm[], name: string): ErrorTerm {
  const term = terms.find((entry) => entry.term === name);
  if (term === undefined) throw new Error(`the hardware data has no error term ${name}`);
  return term;
}

/** Period for which the hardware data gives the noise of a sample. */
const NOISE_PERIOD_US = 1000;
/** The converter's sinc3 filter shows a step so much later: one and a half conversions (ADS131M08, digital filter). */
const CONVERTER_DELAY_US = 1.5e6 / monitoringConverter.rate_hz;

/** Standard uncertainty of a half width: rectangular a / sqrt(3), normal as it is (GUM 4.3.7, 4.3.3). */
function standard(term: ErrorTerm): number {
  return term.distribution === "rectangular" ? term.half_width / Math.sqrt(3) : term.half_width;
}

/**
 * The budget of a window's energy E = sum(V x I x dt).
 *
 * - resolution, noise: independent from sample to sample, so u = V x u(I) x dt x sqrt(N); noise is white, so that a
 *   sample of another period has u(I) x sqrt(1 ms / dt)
 * - gain: u = E x u_rel; offset: u = V x u(I) x T; the same for the voltage, whose code is the same in a whole window
 * - timing: the converter shows a step late. What of it comes into the next sample, or behind the window, is missing or too
 *   much: the swing x that delay at most, in all windows alike
 * - edges: of a sample that an edge cuts, the part outside is taken to have the power of the neighbour outside. Parts lie
 *   anywhere in 0..dt, with a mean square of dt^2 / 3, and two samples differ by sqrt(2) of their deviation; both edges
 *   together u = deviation x dt x 2 / sqrt(3)
 * - ripple: between two readings the voltage is interpolated; what it does there is at most in step with the current
 *   (covariance, GUM 5.2.2)
 * - loss: over a gap the power is interpolated; its mean is off by what samples are from theirs, for all gaps alike
 */
export function windowBudget(facts: WindowFacts): BudgetTerm[] {
  const { duration_us, mean_voltage_v, mean_current_a } = facts;
  const samples = Math.max(1, duration_us / facts.period_us);
  const perSample = mean_voltage_v * facts.period_us * Math.sqrt(samples);
  const energy = Math.abs(facts.energy_uj);
  const gain = find(FAST_CURRENT_ERRORS, "gain");
  const offset = find(FAST_CURRENT_ERRORS, "offset");
  const noise = find(FAST_CURRENT_ERRORS, "noise");
  const voltageGain = find(BUS_VOLTAGE_ERRORS, "voltage gain");
  const voltageOffset = find(BUS_VOLTAGE_ERRORS, "voltage offset");
  const scaled = standard(noise) * Math.sqrt(NOISE_PERIOD_US / facts.period_us);
  const charge = Math.abs(mean_current_a) * duration_us;
  const row = (
    term: string,
    standard_uj: number,
    distribution: BudgetTerm["distribution"],
    systematic: boolean,
  ): BudgetTerm => ({ term, standard_uj, distribution, systematic });
  return [
    row("resolution", (facts.amps_per_code / Math.sqrt(12)) * perSample, "normal", false),
    row("gain", energy * standard(gain), gain.distribution, true),
    row("offset", mean_voltage_v * standard(offset) * duration_us, offset.distribution, true),
    row("noise", scaled * perSample, noise.distribution, false),
    row("timing", (Math.abs(facts.swing_w) * CONVERTER_DELAY_US) / Math.sqrt(3), "rectangular", true),
    row("edges", (facts.outside_deviation_w * facts.period_us * 2) / Math.sqrt(3), "normal", false),
    row("loss", facts.power_deviation_w * facts.lost_us, "normal", false),
    row("voltage gain", energy * standard(voltageGain), voltageGain.distribution, true),
    row("voltage offset", charge * standard(voltageOffset), voltageOffset.distribution, true),
    row("voltage resolution", (charge * INA226.bus_lsb_v) / Math.sqrt(12), "rectangular", true),
    row(
      "ripple",
      (facts.voltage_ripple_v * facts.current_deviation_a * duration_us) / Math.sqrt(3),
      "rectangular",
      true,
    ),
  ];
}
