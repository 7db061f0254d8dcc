import { expect, test } from "vitest";
import { medianInterval } from "./bootstrap.ts";
import { discarded, earlyStopping } from "./early-stopping.ts";

test.each([
  [63, 0.9, null],
  [64, 0.9, 0],
  [218, 0.97, null],
  [219, 0.97, 0],
  [661, 0.99, null],
  [662, 0.99, 0],
  [13_368, 0.9, 1255],
])("of %i queries, percentile %f leaves out %j (published figures of LoadGen)", (n, p, want) => {
  expect(discarded(n, p)).toBe(want);
});

test("the bound is the value behind those left out, and it only comes down as a run grows", () => {
  const run = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i + 1);
  expect(earlyStopping(run(63))).toBeNull();
  expect(earlyStopping(run(64))).toMatchObject({ p90: { value: 64, discarded: 0 }, p99: null });
  const relative = [100, 1000, 10_000].map((n) => (earlyStopping(run(n))?.p90?.value as number) / n);
  expect(relative).toEqual([...relative].sort((a, b) => b - a));
  expect(relative.at(-1)).toBeGreaterThan(0.9);
});

/** The rule itself, by summing binomial probabilities as fractions of whole numbers: slow, and free of logarithms. */
function plain(n: number, p: number): number | null {
  const enough = (h: number, t: number): boolean => {
    let term = p ** (h + t);
    let sum = term;
    for (let k = 1; k <= t; k += 1) {
      term *= ((h + t - k + 1) / k) * ((1 - p) / p);
      sum += term;
    }
    return sum <= 0.01;
  };
  let best: number | null = null;
  for (let t = 1; t <= n; t += 1) {
    let h = 1;
    while (h + t <= n && !enough(h, t)) h += 1;
    if (h + t > n) break;
    best = t - 1;
  }
  return best;
}

test("every run of up to 400 queries agrees with the rule summed plainly", () => {
  for (let n = 1; n <= 400; n += 7)
    for (const p of [0.9, 0.95]) expect([n, p, discarded(n, p)]).toEqual([n, p, plain(n, p)]);
});

test("an interval of windows that differ is as wide as the windows differ, and the same each time", () => {
  const window = (level: number): Float64Array => Float64Array.from({ length: 200 }, (_, i) => level + (i % 5));
  const alike = medianInterval([window(100), window(100), window(100)]);
  const apart = medianInterval([window(100), window(120), window(140)]);
  expect(alike[1] - alike[0]).toBeLessThanOrEqual(1);
  expect(apart[1] - apart[0]).toBeGreaterThan(20);
  expect(medianInterval([window(100), window(120), window(140)])).toEqual(apart);
});
