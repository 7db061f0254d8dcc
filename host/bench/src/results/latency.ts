import { percentileIntervals } from "./bootstrap.ts";
import { earlyStopping } from "./early-stopping.ts";
import { levelInterval } from "./intervals.ts";
import { type Latency, percentile } from "./statistics.ts";

type Ends = [number, number];

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Statistics of the latencies of windows, in microseconds; at least one value is needed. */
export function latency(windows: Float64Array[]): Latency {
  const n = windows.reduce((sum, window) => sum + window.length, 0);
  const sorted = new Float64Array(n);
  let at = 0;
  for (const window of windows) {
    sorted.set(window, at);
    at += window.length;
  }
  sorted.sort();
  const [p50, p90, p95, p99] = percentileIntervals(windows, [0.5, 0.9, 0.95, 0.99]) as [Ends, Ends, Ends, Ends];
  const means = windows.filter((window) => window.length > 0).map(mean);
  const ci95_mean = levelInterval(means);
  return {
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p97: percentile(sorted, 0.97),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    min: sorted[0] as number,
    max: sorted[n - 1] as number,
    mean: mean(sorted),
    n,
    ci95_p50: p50,
    ci95_p90: p90,
    ci95_p95: p95,
    ci95_p99: p99,
    ...(ci95_mean === null ? {} : { ci95_mean }),
    early_stopping: earlyStopping(sorted),
  };
}
