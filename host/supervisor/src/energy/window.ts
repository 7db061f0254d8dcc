/** Uniform samples of power: the value `power_w[k]` stands at `first_us + k x period_us`, the middle of its interval. */
export interface PowerSeries {
  first_us: number;
  period_us: number;
  power_w: Float64Array;
}

/** Linear interpolation of unevenly spaced points; constant before the first and after the last. */
export function interpolate(times: number[], values: number[], at: number): number {
  const n = times.length;
  if (n === 0) return Number.NaN;
  if (at <= (times[0] as number)) return values[0] as number;
  if (at >= (times[n - 1] as number)) return values[n - 1] as number;
  let low = 0;
  let high = n - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) <= at) low = middle;
    else high = middle;
  }
  const t0 = times[low] as number;
  const t1 = times[high] as number;
  const share = t1 === t0 ? 0 : (at - t0) / (t1 - t0);
  return (values[low] as number) * (1 - share) + (values[high] as number) * share;
}

/**
 * Energy between two device times in microjoules: the trapezoidal rule over the samples, with the power interpolated
 * at both edges. W x us = uJ.
 */
export function energyBetween(series: PowerSeries, start_us: number, stop_us: number): number {
  const { first_us, period_us, power_w } = series;
  const value = (at: number): number => {
    const k = Math.max(0, Math.min(power_w.length - 1, (at - first_us) / period_us));
    const low = Math.floor(k);
    const high = Math.min(power_w.length - 1, low + 1);
    return (power_w[low] as number) + ((power_w[high] as number) - (power_w[low] as number)) * (k - low);
  };
  let sum = 0;
  let at = start_us;
  let p = value(start_us);
  for (let k = Math.floor((start_us - first_us) / period_us) + 1; ; k += 1) {
    const next = Math.min(stop_us, first_us + k * period_us);
    const q = value(next);
    sum += ((p + q) / 2) * (next - at);
    at = next;
    p = q;
    if (next >= stop_us) return sum;
  }
}
