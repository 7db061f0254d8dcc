import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { latency } from "./latency.ts";
import type { Verdict } from "./record.ts";
import { percentile } from "./statistics.ts";
import { judge } from "./verdict.ts";

const TARGETS = 1000;
const VALUES = 1500;

/**
 * Kinds of targets and the verdict that each must have. `ratio`: of the largest true median of a window to the smallest, on
 * both sides of the documented thresholds (docs/decisions/0002) and as near to them as the noise of a median allows. `effect`:
 * what windows differ by at random, as a standard deviation; of such targets the true median is known.
 */
const kinds: { name: string; verdict: Verdict; short?: boolean; ratio?: [number, number]; effect?: number }[] = [
  { name: "steady", verdict: "valid", effect: 0.01 },
  { name: "just stable", verdict: "valid", ratio: [1.05, 1.08] },
  { name: "just unstable", verdict: "unstable", ratio: [1.12, 1.15] },
  { name: "unstable", verdict: "unstable", ratio: [1.2, 3] },
  { name: "short", verdict: "valid-short", short: true, effect: 0.08 },
  { name: "short, just stable", verdict: "valid-short", short: true, ratio: [1.85, 1.96] },
  { name: "short, just unstable", verdict: "unstable", short: true, ratio: [2.04, 2.2] },
  { name: "lossy", verdict: "invalid", effect: 0.03 },
  { name: "missing", verdict: "invalid", effect: 0.02 },
  { name: "dead", verdict: "invalid" },
];

/** A target that does something known: what its verdict must be follows from how it was made. */
function target(seed: number) {
  const random = uniform(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const kind = kinds[seed % kinds.length] as (typeof kinds)[number];
  const level = 10 ** (1 + 4 * random());
  const noise = 0.01 + 0.12 * random();
  const count = kind.name === "dead" ? 0 : kind.name === "missing" ? 4 : 5;
  const [low, high] = kind.ratio ?? [1, 1];
  const ratio = low + (high - low) * random();
  const ends = [Math.floor(count * random()), Math.floor((count - 1) * random())] as [number, number];
  if (ends[1] >= ends[0]) ends[1] += 1;
  const factors = Array.from({ length: count }, (_, w) => {
    if (kind.effect !== undefined) return 1 + kind.effect * normal();
    // One window at each end of the ratio, the others anywhere between.
    return w === ends[0] ? 1 : w === ends[1] ? ratio : ratio ** random();
  });
  // Latencies have a floor and a long tail: an exponential above it, whose median is ln 2.
  const windows = factors.map((factor) =>
    Float64Array.from({ length: VALUES }, () => level * factor * (1 + noise * -Math.log(1 - random()))),
  );
  return { kind, windows, median: level * (1 + noise * Math.LN2) };
}

test(`${TARGETS} noisy synthetic targets: each has a verdict and its reasons, and the verdict is the one it was made for`, () => {
  const counts = new Map<string, number>();
  let inside = 0;
  let known = 0;
  for (let seed = 1; seed <= TARGETS; seed += 1) {
    const { kind, windows, median } = target(seed);
    const { verdict, reasons } = judge({
      window_s: kind.short === true ? 0.5 : 10,
      windows_asked: 5,
      p50_us: windows.map((window) => percentile(window.slice().sort(), 0.5)),
      inferences: windows.map((window) => window.length),
      samples_lost: kind.name === "lossy" ? 3 : 0,
      energy_refused: null,
      failure: kind.name === "dead" ? "the agent died" : null,
    });
    expect([seed, kind.name, verdict]).toEqual([seed, kind.name, kind.verdict]);
    expect(reasons.length > 0).toBe(verdict !== "valid");
    counts.set(kind.name, (counts.get(kind.name) ?? 0) + 1);
    if (kind.effect === undefined) continue;
    const { p50, ci95_p50 } = latency(windows);
    expect(ci95_p50[0]).toBeLessThanOrEqual(p50);
    expect(ci95_p50[1]).toBeGreaterThanOrEqual(p50);
    known += 1;
    if (ci95_p50[0] <= median && median <= ci95_p50[1]) inside += 1;
  }
  expect([...counts.keys()].sort()).toEqual(kinds.map(({ name }) => name).sort());
  // The truth, and not the sample's own median: in 95 of 100, give or take two standard deviations of a count of 400.
  console.info(`the true median lies inside ${inside} of ${known} intervals`);
  expect(known).toBe((TARGETS * kinds.filter(({ effect }) => effect !== undefined).length) / kinds.length);
  expect(inside / known).toBeGreaterThanOrEqual(0.93);
  expect(inside / known).toBeLessThanOrEqual(0.97);
});

test.each([
  [10, 1.1, "valid"],
  [10, 1.1001, "unstable"],
  [9.999, 1.1001, "valid-short"],
  [9.999, 2, "valid-short"],
  [0.4, 2.0001, "unstable"],
])("windows of %d s whose medians differ by a factor of %d are %s", (window_s, factor, verdict) => {
  const p50_us = [100, 100 * factor, 100, 100, 100];
  const facts = { windows_asked: 5, inferences: [9, 9, 9, 9, 9], samples_lost: 0, energy_refused: null, failure: null };
  expect(judge({ ...facts, window_s, p50_us }).verdict).toBe(verdict);
});
