import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { percentileIntervals } from "./bootstrap.ts";
import { levelInterval, shareInterval } from "./intervals.ts";

const median = (windows: Float64Array[]): [number, number] =>
  percentileIntervals(windows, [0.5])[0] as [number, number];

test("an interval of windows that differ is as wide as the windows differ, and the same each time", () => {
  const window = (level: number): Float64Array => Float64Array.from({ length: 200 }, (_, i) => level + (i % 5));
  const alike = median([window(100), window(100), window(100)]);
  const apart = median([window(100), window(120), window(140)]);
  expect(alike[1] - alike[0]).toBeLessThanOrEqual(1);
  expect(apart[1] - apart[0]).toBeGreaterThan(20);
  expect(median([window(100), window(120), window(140)])).toEqual(apart);
});

test("with two windows it is that of Student's t: half their difference 12.7 times, as a factor", () => {
  const [low, high] = median([Float64Array.of(100), Float64Array.of(102)]);
  // By LoadGen's rule the median of two values is the larger one; the standard error is that of 400 draws.
  expect(Math.sqrt(low * high)).toBeCloseTo(102, 6);
  // One draw of four has the smaller twice: sqrt(3 / 16) x ln 1.02 x sqrt(2) x 12.706 is a factor of 1.167.
  expect(high / 102).toBeGreaterThan(1.15);
  expect(high / 102).toBeLessThan(1.18);
});

/** Seeded standard normal numbers (Box and Muller). */
function normals(seed: number): () => number {
  const random = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Share of runs whose interval holds the true percentile of a target whose windows differ by `effect`. */
function coverage(k: number, effect: number, p: number, truth: number, runs = 800): number {
  let inside = 0;
  for (let run = 0; run < runs; run += 1) {
    const normal = normals(1000 * k + run);
    const windows = Array.from({ length: k }, () => {
      const level = 1 + effect * normal();
      return Float64Array.from({ length: 300 }, () => level + 0.02 * normal());
    });
    const [low, high] = percentileIntervals(windows, [p])[0] as [number, number];
    if (low <= truth && truth <= high) inside += 1;
  }
  return inside / runs;
}

test.each([
  [3, 0.01],
  [5, 0.01],
  [10, 0.01],
  [5, 0.05],
  [5, 0],
])("%i windows that differ by %d: the true median inside in 93 to 97 of 100", (k, effect) => {
  const share = coverage(k, effect, 0.5, 1);
  console.info(`${k} windows, effect ${effect}: ${share}`);
  expect(share).toBeGreaterThanOrEqual(0.93);
  expect(share).toBeLessThanOrEqual(0.97);
});

test("the true p90 of five windows that differ by 1 %: inside in 93 to 97 of 100", () => {
  // Of all windows together values have the variance of both.
  const share = coverage(5, 0.01, 0.9, 1 + 1.2816 * Math.hypot(0.02, 0.01));
  console.info(`p90: ${share}`);
  expect(share).toBeGreaterThanOrEqual(0.93);
  expect(share).toBeLessThanOrEqual(0.97);
});

test("intervals of means and shares, by published figures", () => {
  expect(levelInterval([1])).toBeNull();
  expect(levelInterval([1, 0])).toBeNull();
  // Logarithms 0, 1, 2: s = 1, n = 3: 4.303 / sqrt(3) = 2.484.
  expect(Math.log(levelInterval([1, Math.E, Math.E ** 2])?.[0] as number)).toBeCloseTo(1 - 2.484, 3);
  // Newcombe (Statistics in Medicine 17, 1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const published: [number, number, number, number][] = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [count, total, low, high] of published) {
    const interval = shareInterval(count, total) as [number, number];
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  }
});
