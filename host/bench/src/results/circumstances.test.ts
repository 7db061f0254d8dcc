import { expect, test } from "vitest";
import { compareRecords, compareRuns, explain } from "./compare.ts";
import type { ResultRecord } from "./record.ts";
import { sampleRecord, sampleRun } from "./sample-record.ts";

const quiet = { load_1m: 0.1, temperature_c: 45, cores: 4 };

/** A record of an agent that told its environment. */
function seen(before: Record<string, unknown>, change: Parameters<typeof sampleRecord>[0] = {}): ResultRecord {
  const environment = { before: { ...quiet, ...before }, after: { ...quiet, ...before }, requests_meanwhile: 0 };
  return sampleRecord({ environment, warnings: [], ...change });
}

test("why a figure moved is told where the environments say it", () => {
  const busy = seen({ load_1m: 3.9 }, { p50: 120, warnings: ["load 3.90 on 4 cores before the first window: x"] });
  const line = explain(compareRecords(seen({}), busy));
  expect(line).toContain("latency_us.p50 of m on a moved by 20.0 %");
  expect(line).toContain("a m: environment.before.load_1m is 0.1 in the first and 3.9 in the second");
  expect(line).toContain("a m: only the second warns: load 3.90 on 4 cores");
});

test("what equal runs on a quiet machine differ in, and a warning with other numbers, is no circumstance", () => {
  const warnings = (load: string): string[] => [`load ${load} on 4 cores before the first window: x`];
  const a = seen({}, { warnings: warnings("2.10") });
  const b = seen({ load_1m: 0.5, temperature_c: 49 }, { warnings: warnings("2.34") });
  expect(compareRecords(a, b).circumstances).toEqual([]);
  expect(explain(compareRecords(a, b))).toBe(
    "the same measurement, and no figure differs by more than its uncertainty",
  );
  expect(compareRecords(a, sampleRecord({ warnings: warnings("1.00") })).circumstances).toEqual([]);
});

test("a fact of the environment is told once, network and calls meanwhile too", () => {
  const a = seen({}, { network: "isolated", model_folder: "read-only" });
  const b = seen({ cores: 8, temperature_c: 70 }, { network: "not isolated", model_folder: "writable" });
  (b.environment as NonNullable<ResultRecord["environment"]>).requests_meanwhile = 12;
  expect(compareRecords(a, b).circumstances.map(({ what, a: x, b: y }) => [what, x, y])).toEqual([
    ["environment.before.cores", 4, 8],
    ["environment.before.temperature_c", 45, 70],
    ["environment.requests_meanwhile", 0, 12],
    ["network", "isolated", "not isolated"],
    ["model_folder", "read-only", "writable"],
  ]);
  // An earlier version told nothing of the folder.
  const earlier = seen({}, { network: "isolated" });
  expect(compareRecords(earlier, a).circumstances).toEqual([]);
});

test("a figure that one of them lacks is told with the reason, in either direction", () => {
  const without = sampleRecord({ energy_uj_per_inference: null, energy_refused: "no edges" });
  expect(compareRecords(sampleRecord(), without).circumstances).toEqual([
    { target: "a", model: "m", what: "energy_uj_per_inference", a: 50, b: null, why: "no edges" },
  ]);
  expect(explain(compareRecords(without, sampleRecord()))).toContain(
    "a m: energy_uj_per_inference is in the second only, the other says: no edges",
  );
});

test("verdicts that differ are told with their first reasons, also where the measurements are not the same", () => {
  const failed = { verdict: "invalid" as const, reasons: ["the agent\ndied", "more"], latency_us: null };
  const verdict = "a m is valid in the first and invalid (the agent died) in the second";
  expect(explain(compareRecords(sampleRecord(), sampleRecord(failed)))).toContain(`; ${verdict}; `);
  const other = sampleRecord({ ...failed, facts: { supply_v: null } });
  expect(explain(compareRecords(sampleRecord(), other))).toBe(
    `not the same measurement: ${verdict}; supply_v is 3 in one and null in the other`,
  );
  const b = (network: string): ResultRecord => sampleRecord({ target: "b", facts: { target: "b" }, network });
  const first = sampleRun("01", [sampleRecord(), b("isolated")]);
  const second = sampleRun("02", [other, b("not isolated")]);
  expect(compareRuns(first, second).circumstances.map(({ what }) => what)).toEqual(["verdict"]);
  expect(compareRecords(sampleRecord(), sampleRecord()).circumstances).toEqual([]);
});
