import { pieces, type Steps } from "../steps.ts";
import { type BudgetTerm, windowBudget } from "./budget.ts";
import { energyBetween, interpolate, interpolator, lowerBound } from "./integral.ts";

/** Time on both sides of a window that shows the power outside it. */
const OUTSIDE_US = 20_000;
/** Longest time without a voltage: between readings it is interpolated, and they come at 100 Hz. */
const VOLTAGE_GAP_US = 100_000;
/** Largest share of a window's time without samples for which an energy is given. */
export const LOSS_LIMIT = 0.01;

/** A recorded rail: uneven times are sorted, in microseconds of device time. */
export interface Series {
  period_us: number;
  amps_per_code: number;
  /** Middle of each sample's interval, and its current. */
  times: number[];
  currents: number[];
  voltageTimes: number[];
  voltages: number[];
  markers: { level: number; tick_us: number }[];
  /** Rows that are missing just before the sample at this time. */
  gaps: { at_us: number; rows: number }[];
  /** Device times at which the board began anew: nothing reaches across one. */
  restarts: number[];
  /** Device times of what was seen last before the link was lost: edges behind it may be missing. */
  linkLosses: number[];
}

export interface EnergyWindow {
  start_tick: number;
  stop_tick: number;
  duration_us: number;
  /** Null where it is refused. */
  energy_uj: number | null;
  mean_power_w: number | null;
  samples_lost: number;
  /** Why there is no energy; null where there is one. */
  refused: string | null;
  terms: BudgetTerm[];
}

function meanAndDeviation(values: ArrayLike<number>, from: number, to: number): [number, number] {
  const n = Math.max(1, to - from);
  let sum = 0;
  for (let k = from; k < to; k += 1) sum += values[k] as number;
  const mean = sum / n;
  let squares = 0;
  for (let k = from; k < to; k += 1) squares += ((values[k] as number) - mean) ** 2;
  return [mean, Math.sqrt(squares / Math.max(1, n - 1))];
}

/**
 * What the voltage does between two readings: the standard deviation of a reading from the mean of its neighbours,
 * which is sqrt(3/2) times that of a single one.
 */
function rippleOf(voltages: number[], from: number, to: number): number {
  let squares = 0;
  let n = 0;
  for (let k = Math.max(1, from); k < Math.min(to, voltages.length - 1); k += 1) {
    const beside = ((voltages[k - 1] as number) + (voltages[k + 1] as number)) / 2;
    squares += ((voltages[k] as number) - beside) ** 2;
    n += 1;
  }
  return n === 0 ? 0 : Math.sqrt(squares / n / 1.5);
}

/** The windows of a rail, each from a rising to the next falling edge of the marker. */
export function* windowSteps(series: Series, lossLimit = LOSS_LIMIT): Steps<EnergyWindow[]> {
  const { times, currents } = series;
  const voltageAt = interpolator(series.voltageTimes, series.voltages);
  const power = new Float64Array(times.length);
  for (const [from, to] of pieces(times.length)) {
    for (let k = from; k < to; k += 1) power[k] = (currents[k] as number) * voltageAt(times[k] as number);
    yield;
  }
  const found: EnergyWindow[] = [];
  let start: number | undefined;
  for (const marker of series.markers) {
    if (marker.level === 1) start = marker.tick_us;
    else if (start !== undefined) {
      found.push(oneWindow(series, power, start, marker.tick_us, lossLimit));
      start = undefined;
      yield;
    }
  }
  return found;
}

/** Why a window's energy cannot be told; undefined where it can. */
function refusal(series: Series, start: number, stop: number, lost: number, lossLimit: number): string | undefined {
  const { times, period_us, voltageTimes } = series;
  if (stop <= start) return "the window has no length";
  if (series.restarts.some((at) => at > start && at <= stop)) return "the board started anew inside the window";
  if (series.linkLosses.some((at) => at >= start && at < stop)) return "the link was lost: edges may be missing";
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined) return "no samples were received";
  if (first - period_us > start || last + period_us < stop) {
    return "the samples do not cover the window: it begins before the first one or ends after the last one";
  }
  const share = (lost * period_us) / (stop - start);
  if (share > lossLimit) {
    const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
    return `${lost} samples, ${percent(share)} of the window, were lost; the limit is ${percent(lossLimit)}`;
  }
  let before = start - VOLTAGE_GAP_US;
  for (let k = lowerBound(voltageTimes, before); k < voltageTimes.length; k += 1) {
    const at = voltageTimes[k] as number;
    if (at - before > 2 * VOLTAGE_GAP_US || (before > start && at - before > VOLTAGE_GAP_US)) break;
    before = at;
    if (before >= stop) break;
  }
  if (before < stop - VOLTAGE_GAP_US) return `no voltage was read for more than ${VOLTAGE_GAP_US / 1000} ms`;
  return undefined;
}

function oneWindow(series: Series, power: Float64Array, start: number, stop: number, lossLimit: number): EnergyWindow {
  const { times, period_us } = series;
  const duration_us = stop - start;
  const samples_lost = series.gaps
    .filter((gap) => gap.at_us > start && gap.at_us - gap.rows * period_us < stop)
    .reduce((sum, gap) => sum + gap.rows, 0);
  const head = { start_tick: start, stop_tick: stop, duration_us, samples_lost };
  const refused = refusal(series, start, stop, samples_lost, lossLimit);
  if (refused !== undefined) return { ...head, energy_uj: null, mean_power_w: null, refused, terms: [] };
  const energy_uj = energyBetween(times, power, start, stop, period_us);
  const mean_power_w = energy_uj / duration_us;
  const from = lowerBound(times, start);
  const to = lowerBound(times, stop);
  // The samples that an edge cuts are of neither side.
  const beside = (a: number, b: number): [number, number] | undefined => {
    const [low, high] = [lowerBound(times, a), lowerBound(times, b)];
    return low === high ? undefined : meanAndDeviation(power, low, high);
  };
  const half_us = period_us / 2;
  const sides = [
    beside(start - half_us - OUTSIDE_US, start - half_us),
    beside(stop + half_us, stop + half_us + OUTSIDE_US),
  ].filter((side) => side !== undefined);
  const deviation_w = meanAndDeviation(power, from, to)[1];
  const mean_voltage_v = interpolate(series.voltageTimes, series.voltages, (start + stop) / 2);
  const terms = windowBudget({
    energy_uj,
    duration_us,
    mean_voltage_v,
    mean_current_a: mean_power_w / mean_voltage_v,
    period_us,
    amps_per_code: series.amps_per_code,
    swing_w: sides[0] === undefined ? 0 : mean_power_w - sides[0][0],
    outside_deviation_w: sides.length === 0 ? deviation_w : Math.max(...sides.map(([, deviation]) => deviation)),
    power_deviation_w: deviation_w,
    current_deviation_a: meanAndDeviation(series.currents, from, to)[1],
    voltage_ripple_v: rippleOf(
      series.voltages,
      lowerBound(series.voltageTimes, start),
      lowerBound(series.voltageTimes, stop),
    ),
    lost_us: samples_lost * period_us,
  });
  return { ...head, energy_uj, mean_power_w, refused: null, terms };
}
