import { expect, test } from "vitest";
import { energyBetween } from "./integral.ts";

const P = 1000;

/** Samples of a power over time, each the mean over its interval, as the converter makes them. */
function sampled(power: (at_us: number) => number, count = 40, without: number[] = []) {
  const steps = 1000;
  const rows = Array.from({ length: count }, (_, k) => k).filter((k) => !without.includes(k));
  const mean = (k: number): number =>
    Array.from({ length: steps }, (_, i) => power((k + (i + 0.5) / steps) * P)).reduce((a, b) => a + b, 0) / steps;
  return { times: rows.map((k) => (k + 0.5) * P), values: rows.map(mean) };
}

/** The trapezoidal rule over the samples' middles, interpolated at the edges. */
function trapezoid({ times, values }: ReturnType<typeof sampled>, start: number, stop: number): number {
  const at = (t: number): number => {
    const k = Math.min(times.length - 2, Math.max(0, Math.floor(t / P - 0.5)));
    const share = t / P - 0.5 - k;
    return (values[k] as number) * (1 - share) + (values[k + 1] as number) * share;
  };
  const knots = [start, ...times.filter((t) => t > start && t < stop), stop];
  return knots
    .slice(1)
    .reduce((sum, t, i) => sum + ((at(knots[i] as number) + at(t)) / 2) * (t - (knots[i] as number)), 0);
}

const IDLE = 1;
const BUSY = 3;
const work = (start: number, stop: number) => (t: number) => (t >= start && t < stop ? BUSY : IDLE);

test("work that begins and ends at the edges has its energy, wherever in a sample these lie; the trapezoid is short of it", () => {
  const short: number[] = [];
  for (let a = 0; a < 1; a += 0.125) {
    for (let b = 0; b < 1; b += 0.125) {
      const [start, stop] = [(10 + a) * P, (30 + b) * P];
      const samples = sampled(work(start, stop));
      const found = energyBetween(samples.times, samples.values, start, stop, P);
      expect([a, b, found / (BUSY * (stop - start))]).toEqual([a, b, expect.closeTo(1, 9)]);
      short.push((BUSY * (stop - start) - trapezoid(samples, start, stop)) / ((BUSY - IDLE) * P));
    }
  }
  // 1/8 to 1/4 of a sample's step at each of the two edges.
  expect(Math.min(...short)).toBeCloseTo(2 / 8, 6);
  expect(Math.max(...short)).toBeCloseTo(2 / 4, 6);
});

test("a steady power, a window inside one sample and one from interval to interval are exact", () => {
  const steady = sampled(() => 2.5);
  for (const [start, stop] of [
    [10_000, 30_000],
    [10_250, 10_750],
    [10_999, 11_001],
    [300, 39_900],
  ] as const)
    expect(energyBetween(steady.times, steady.values, start, stop, P)).toBeCloseTo(2.5 * (stop - start), 6);
  const [start, stop] = [10_250, 10_750];
  const pulse = sampled(work(start, stop));
  expect(energyBetween(pulse.times, pulse.values, start, stop, P)).toBeCloseTo(BUSY * (stop - start), 6);
  expect(energyBetween([], [], 0, 1, P)).toBeNaN();
});

test("a slope is off by less than what it changes by in one sample, at either edge", () => {
  const samples = sampled((t) => 1 + t / 10_000);
  const [start, stop] = [10_400, 30_700];
  const truth = stop - start + (stop ** 2 - start ** 2) / 20_000;
  const found = energyBetween(samples.times, samples.values, start, stop, P);
  expect(Math.abs(found - truth)).toBeLessThan(2 * (P / 10_000) * P);
});

test("over a gap the power is interpolated, also where an edge lies in it", () => {
  const slope = (t: number): number => 1 + t / 10_000;
  const samples = sampled(slope, 40, [19, 20, 21, 22]);
  const whole = sampled(slope);
  const inside = energyBetween(samples.times, samples.values, 10_000, 30_000, P);
  expect(inside).toBeCloseTo(energyBetween(whole.times, whole.values, 10_000, 30_000, P), 6);
  const from = energyBetween(samples.times, samples.values, 20_300, 30_000, P);
  expect(from).toBeCloseTo(9700 + (30_000 ** 2 - 20_300 ** 2) / 20_000, 6);
  // Beside a gap nobody knows the power outside: the cut sample counts by its part.
  const cut = energyBetween(samples.times, samples.values, 23_400, 30_000, P);
  expect(cut).toBeCloseTo(600 * slope(23_500) + 6000 + (30_000 ** 2 - 24_000 ** 2) / 20_000, 6);
});

test("before the first sample and behind the last the power is theirs", () => {
  const { times, values } = sampled((t) => (t < 20_000 ? 1 : 2));
  expect(energyBetween(times, values, -500, 500, P)).toBeCloseTo(1000, 6);
  expect(energyBetween(times, values, 39_500, 40_500, P)).toBeCloseTo(2000, 6);
});
