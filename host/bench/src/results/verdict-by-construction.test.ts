import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { latency } from "./latency.ts";
import { percentile } from "./statistics.ts";
import { judge } from "./verdict.ts";

const TARGETS = 1000;

/** A target that does something known: what its verdict must be follows from how it was made. */
function target(seed: number) {
  const random = uniform(seed);
  const level = 10 ** (1 + 4 * random());
  const noise = 0.001 + 0.3 * random();
  const kind = (["steady", "shifting", "drifting", "short", "lossy", "missing", "dead"] as const)[seed % 7] as string;
  const shift = 1.25 + random();
  const shifted = Math.floor(random() * 5);
  const windows = Array.from({ length: kind === "missing" ? 4 : 5 }, (_, w) => {
    const factor = kind === "shifting" && w === shifted ? shift : kind === "drifting" ? shift ** (w / 4) : 1;
    // Latencies have a floor and a long tail: never below the level, now and then far above it.
    const value = (): number => level * factor * (1 + noise * (-Math.log(1 - random())) ** 2 * 0.1);
    return Float64Array.from({ length: 400 }, value);
  });
  const want =
    kind === "steady"
      ? "valid"
      : kind === "short"
        ? "valid-short"
        : ["shifting", "drifting"].includes(kind)
          ? "unstable"
          : "invalid";
  return { kind, level, noise, windows: kind === "dead" ? [] : windows, want };
}

test(`${TARGETS} noisy synthetic targets: each has a verdict, a figure where anything was measured, and the verdict is the one it was made for`, () => {
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= TARGETS; seed += 1) {
    const { kind, windows, want, level } = target(seed);
    const { verdict, reasons } = judge({
      window_s: kind === "short" ? 0.5 : 10,
      windows_asked: 5,
      p50_us: windows.map((window) => percentile(window.slice().sort(), 0.5)),
      inferences: windows.map((window) => window.length),
      samples_lost: kind === "lossy" ? 3 : 0,
      energy_refused: null,
      failure: kind === "dead" ? "the agent died" : null,
    });
    expect([seed, kind, verdict]).toEqual([seed, kind, want]);
    expect(reasons.length > 0).toBe(verdict !== "valid");
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    // Every tenth target: the interval is a bootstrap, and takes its time.
    if (windows.length === 0 || seed % 10 !== 0) continue;
    const { p50, ci95_p50 } = latency(windows);
    expect(p50).toBeGreaterThanOrEqual(level);
    expect(ci95_p50[0]).toBeLessThanOrEqual(p50);
    expect(ci95_p50[1]).toBeGreaterThanOrEqual(p50);
  }
  expect(Object.keys(counts).sort()).toEqual(["invalid", "unstable", "valid", "valid-short"]);
});
