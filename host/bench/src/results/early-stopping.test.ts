import { expect, test } from "vitest";
import { discarded, earlyStopping, holdBound, passingNeeded } from "./early-stopping.ts";

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

test.each([
  [458, 0, false],
  [459, 0, true],
  [500, 0, true],
  [661, 1, false],
  [662, 1, true],
  [100_000, 927, true],
  [1000, 9, false],
  [20_000, 201, false],
])("a server run of %i queries with %i above its bound: successful is %j (LoadGen's Server case)", (n, over, want) => {
  expect(holdBound(n, over, 15_000).satisfied).toBe(want);
});

/**
 * P[Binomial(n, q) <= t] by whole numbers: the terms C(n, k) q^k (1 - q)^(n - k) with q = num / den, all scaled by den^n, and
 * the sum held against 1/100. No floating point anywhere.
 */
function exactlyEnough(t: number, n: number, num: bigint, den: bigint): boolean {
  let choose = 1n;
  let sum = 0n;
  for (let k = 0; k <= t; k += 1) {
    sum += choose * num ** BigInt(k) * (den - num) ** BigInt(n - k);
    choose = (choose * BigInt(n - k)) / BigInt(k + 1);
  }
  return sum * 100n <= den ** BigInt(n);
}

test.each([0, 1, 2, 3, 5, 8, 13, 30, 60])("h(%i) is the smallest that suffices, by exact whole numbers", (t) => {
  const h = passingNeeded(t, 0.99);
  expect(exactlyEnough(t, h + t, 1n, 100n)).toBe(true);
  expect(exactlyEnough(t, h - 1 + t, 1n, 100n)).toBe(false);
});

test.each([100, 927, 5000, 20_000])(
  "h(%i), with many above the bound, agrees with the sum built up from its least term",
  (t) => {
    const sumUpTo = (n: number): number => {
      // Terms by their ratios, in logarithms from k = 0 on: another way than the one that is tested.
      let log = n * Math.log(0.99);
      let sum = Math.exp(log);
      for (let k = 1; k <= t; k += 1) {
        log += Math.log((n - k + 1) / k) - Math.log(99);
        sum += Math.exp(log);
      }
      return sum;
    };
    const h = passingNeeded(t, 0.99);
    expect(sumUpTo(h + t)).toBeLessThanOrEqual(0.01);
    expect(sumUpTo(h - 1 + t)).toBeGreaterThan(0.01);
  },
);
