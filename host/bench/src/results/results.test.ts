import { expect, test } from "vitest";
import { coverageFactor } from "./coverage.ts";
import { holdBound } from "./early-stopping.ts";
import { energyPerInference } from "./energy.ts";
import { latency } from "./latency.ts";
import { fingerprint } from "./record.ts";
import { percentile } from "./statistics.ts";
import { judge } from "./verdict.ts";

test("percentiles take index floor(n x p) without interpolation", () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(latency([values])).toMatchObject({
    p50: 51,
    p90: 91,
    p95: 96,
    p99: 100,
    min: 1,
    max: 100,
    mean: 50.5,
    n: 100,
  });
  expect(percentile(Float64Array.of(1, 2, 3), 0.99)).toBe(3);
});

test("energy per inference: median of the windows; systematic terms stay, random ones shrink, worked by hand", () => {
  const terms = [
    { term: "gain", standard_uj: 30, distribution: "rectangular" as const, systematic: true },
    { term: "noise", standard_uj: 40, distribution: "normal" as const, systematic: false },
  ];
  const windows = [1000, 1000, 1000, 1000].map((energy_uj) => ({ energy_uj, inferences: 10, terms }));
  const result = energyPerInference(windows, "edges");
  expect(result.value).toBe(100);
  // gain 3 uJ (rectangular); noise 4 uJ x sqrt(1.193 / 4) = 2.1845 uJ; no spread; sqrt(9 + 4.772) = 3.7111 uJ
  const k = coverageFactor(
    [
      { value: 3, distribution: "rectangular" },
      { value: 2.1845, distribution: "normal" },
    ],
    0.95,
  );
  expect(k).toBeGreaterThan(1.85);
  expect(k).toBeLessThan(1.96);
  expect(result.uncertainty).toBeCloseTo(k * 3.7111, 3);
  expect(result.coverage).toBe(0.95);
});

const good = {
  window_s: 10,
  windows_asked: 3,
  p50_us: [100, 101, 102],
  inferences: [5, 5, 5],
  samples_lost: 0,
  energy_refused: null,
  failure: null,
};

test.each([
  ["valid", good, "valid"],
  ["short windows", { ...good, window_s: 0.4 }, "valid-short"],
  ["medians 12 % apart", { ...good, p50_us: [100, 112, 100] }, "unstable"],
  ["short windows 60 % apart", { ...good, window_s: 0.4, p50_us: [100, 160, 100] }, "valid-short"],
  ["short windows a factor of 2.1 apart", { ...good, window_s: 0.4, p50_us: [100, 210, 100] }, "unstable"],
  ["a window is missing", { ...good, p50_us: [100, 101] }, "invalid"],
  ["lost samples", { ...good, samples_lost: 1 }, "invalid"],
  ["energy refused", { ...good, energy_refused: "no edges" }, "invalid"],
  ["p99 above its bound", { ...good, bound: { p99_us: 11, held: holdBound(10_000, 150, 10) } }, "invalid"],
  ["p99 that is not sure enough", { ...good, bound: { p99_us: 9, held: holdBound(1000, 9, 10) } }, "invalid"],
  ["p99 of few queries", { ...good, bound: { p99_us: 9, held: holdBound(458, 0, 10) } }, "valid-short"],
  ["p99 inside its bound", { ...good, bound: { p99_us: 8, held: holdBound(662, 1, 10) } }, "valid"],
  ["nothing was measured", { ...good, p50_us: [], inferences: [], failure: "the agent died" }, "invalid"],
])("verdict: %s", (_name, facts, verdict) => {
  const judged = judge(facts);
  expect(judged.verdict).toBe(verdict);
  expect(judged.reasons.length > 0).toBe(verdict !== "valid");
});

test("a fingerprint does not depend on the order of its fields and changes with each of them", () => {
  const a = fingerprint({ x: 1, y: "z" });
  expect(fingerprint({ y: "z", x: 1 }).hash).toBe(a.hash);
  expect(fingerprint({ x: 2, y: "z" }).hash).not.toBe(a.hash);
});
