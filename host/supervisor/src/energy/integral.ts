/** Samples whose middles are further apart than so many periods have a gap between them; blocks may lie a little apart. */
const GAP_PERIODS = 1.5;

/** Index of the first element that is not below `at`. */
export function lowerBound(times: number[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Linear interpolation of unevenly spaced points; constant before the first and after the last. */
export function interpolate(times: number[], values: ArrayLike<number>, at: number): number {
  return between(times, values, lowerBound(times, at), at);
}

/** The same for times that grow: each call goes on where the one before has ended. */
export function interpolator(times: number[], values: ArrayLike<number>): (at: number) => number {
  let high = 0;
  return (at) => {
    while (high < times.length && (times[high] as number) < at) high += 1;
    return between(times, values, high, at);
  };
}

/** @param high index of the first time that is not below `at` */
function between(times: number[], values: ArrayLike<number>, high: number, at: number): number {
  const n = times.length;
  if (n === 0) return Number.NaN;
  if (high === 0) return values[0] as number;
  if (high === n) return values[n - 1] as number;
  const t0 = times[high - 1] as number;
  const share = (at - t0) / ((times[high] as number) - t0);
  return (values[high - 1] as number) * (1 - share) + (values[high] as number) * share;
}

/** The interval whose mean a sample is, and whether those of its neighbours adjoin it. */
interface Cell {
  from_us: number;
  to_us: number;
  hasBefore: boolean;
  hasAfter: boolean;
}

function cellOf(times: number[], k: number, period_us: number): Cell {
  const at = times[k] as number;
  const adjoins = (other: number | undefined): other is number =>
    other !== undefined && Math.abs(other - at) < GAP_PERIODS * period_us;
  const [before, after] = [times[k - 1], times[k + 1]];
  return {
    from_us: adjoins(before) ? (before + at) / 2 : at - period_us / 2,
    to_us: adjoins(after) ? (at + after) / 2 : at + period_us / 2,
    hasBefore: adjoins(before),
    hasAfter: adjoins(after),
  };
}

/**
 * Energy between two device times in microjoules (W x us = uJ), from samples that are means over their intervals, given by the
 * middles of these: a whole interval counts with its mean, and over a gap the power is interpolated between its ends.
 *
 * An edge cuts an interval. What lies outside of the window there has the power of the neighbour outside, o of the interval's
 * length P, and what is left of the interval's energy lies inside: P x p[k] - o x p[k - 1] at the beginning, P x p[k] -
 * o x p[k + 1] at the end. That is exact where the power changes at the edge, as it does where work begins and ends, and where
 * it is steady. The trapezoid over the middles, in its place, would be short of a step by P x step x 1/8 to 1/4 at either edge,
 * depending on where in the interval that lies. Where the neighbour is missing, the cut interval counts by the length inside.
 */
export function energyBetween(
  times: number[],
  power_w: ArrayLike<number>,
  start_us: number,
  stop_us: number,
  period_us: number,
): number {
  if (times.length === 0) return Number.NaN;
  const power = (k: number): number => power_w[k] as number;
  const last = times.length - 1;
  let sum = 0;
  let reached_us = start_us;
  for (let k = Math.max(0, lowerBound(times, start_us) - 1); k <= last && reached_us < stop_us; k += 1) {
    const { from_us, to_us, hasBefore, hasAfter } = cellOf(times, k, period_us);
    if (to_us <= reached_us) continue;
    if (from_us > reached_us) {
      const until_us = Math.min(from_us, stop_us);
      sum += interpolate(times, power_w, (reached_us + until_us) / 2) * (until_us - reached_us);
      reached_us = until_us;
      if (reached_us >= stop_us) break;
    }
    const until_us = Math.min(to_us, stop_us);
    sum += power(k) * (until_us - reached_us);
    if (hasBefore && start_us > from_us) sum += (power(k) - power(k - 1)) * (start_us - from_us);
    if (hasAfter && stop_us < to_us) sum += (power(k) - power(k + 1)) * (to_us - stop_us);
    reached_us = until_us;
  }
  return reached_us < stop_us ? sum + power(last) * (stop_us - reached_us) : sum;
}
