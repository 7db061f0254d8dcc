import { medianInterval } from "./bootstrap.ts";
import { earlyStopping } from "./early-stopping.ts";
import { type Latency, percentile } from "./statistics.ts";

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
  return {
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p97: percentile(sorted, 0.97),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    min: sorted[0] as number,
    max: sorted[n - 1] as number,
    mean: sorted.reduce((a, b) => a + b, 0) / n,
    n,
    ci95_p50: medianInterval(windows),
    early_stopping: earlyStopping(sorted),
  };
}
