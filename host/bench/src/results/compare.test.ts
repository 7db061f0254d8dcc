import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareRecords, compareRuns, explain } from "./compare.ts";
import { driftOf } from "./drift.ts";
import { holdBound } from "./early-stopping.ts";
import { toCsv } from "./export.ts";
import { findRun, listRuns } from "./library.ts";
import { toMlperf } from "./loadgen-log.ts";
import { paretoFront } from "./pareto.ts";
import type { ResultRecord } from "./record.ts";
import { sampleRecord as record, sampleRun as run } from "./sample-record.ts";

/** As long as MLPerf wants a measurement. */
const longWindows: ResultRecord["windows"] = Array.from({ length: 5 }, () => ({
  ...{ start_tick: null, stop_tick: null, duration_us: 120e6, inferences: 1200 },
  ...{ p50_us: 100, energy_uj: null, samples_lost: null },
}));

test("unequal fingerprints are refused with the differing fields, also where one lacks a field", () => {
  // The published trap: the same board at 1.8 V and at 3.0 V differs in energy by a factor of 1.64.
  const low = record({ facts: { supply_v: 1.8, clock_mhz: 80 } });
  expect(compareRecords(record(), low)).toEqual({
    comparable: false,
    differing: [
      { field: "clock_mhz", a: null, b: 80 },
      { field: "supply_v", a: 3, b: 1.8 },
    ],
    deltas: [],
    circumstances: [],
  });
  expect(explain(compareRecords(record(), low))).toContain("supply_v is 3 in one and 1.8 in the other");
});

test("equal ones give ratios; a figure is significant when the intervals part", () => {
  const { comparable, deltas } = compareRecords(record(), record({ p50: 110 }));
  expect(comparable).toBe(true);
  expect(deltas.find((delta) => delta.figure === "latency_us.p50")).toMatchObject({
    a: 100,
    b: 110,
    ratio: 1.1,
    significant: true,
  });
  expect(deltas.find((delta) => delta.figure === "energy_uj_per_inference")).toMatchObject({ significant: false });
  expect(deltas.find((delta) => delta.figure === "latency_us.p90")).toMatchObject({ significant: false });
  expect(explain({ comparable, differing: [], deltas, circumstances: [] })).toContain("moved by 10.0 %");
});

test("runs are compared record by record; one without a partner makes them not comparable", () => {
  const b = record({ target: "b", facts: { target: "b" } });
  expect(compareRuns(run("01", [record(), b]), run("02", [record(), b])).comparable).toBe(true);
  expect(compareRuns(run("01", [record(), b]), run("02", [record(), record({ target: "c" })]))).toMatchObject({
    comparable: false,
    differing: [
      { field: "b m", b: null },
      { field: "c m", a: null },
    ],
  });
  const told = explain(compareRuns(run("01", [record(), b]), run("02", [record(), record({ target: "c" })])));
  expect(told).toContain("b m was measured in the first only; c m was measured in the second only");
});

test("two experiments of one target and model are paired by what they measured, whatever their order", () => {
  const int8 = record({ facts: { quantisation: "int8" } as never });
  expect(int8.fingerprint.hash).not.toBe(record().fingerprint.hash);
  const both = run("01", [record(), int8]);
  expect(compareRuns(both, both)).toMatchObject({ comparable: true });
  expect(compareRuns(both, run("02", [int8, record()])).comparable).toBe(true);
  expect(compareRuns(both, run("02", [int8])).comparable).toBe(false);
});

test("drift is told against the newest earlier run of the same fingerprint, and not for noise or invalid results", () => {
  const old = [
    run("01", [record({ p50: 50 })]),
    run("02", [record()]),
    run("03", [record({ p50: 500, verdict: "invalid" })]),
  ];
  expect(driftOf(run("05", [record({ p50: 104 })]), old)).toEqual([]);
  expect(driftOf(run("05", [record({ p50: 120 })]), old)).toMatchObject([
    { figure: "latency_us.p50", against: "02", a: 100, b: 120 },
  ]);
  expect(driftOf(run("05", [record({ p50: 120, facts: { supply_v: 5 } })]), old)).toEqual([]);
});

test("the Pareto front holds what no other beats", () => {
  const energy = (value: number): Partial<ResultRecord> => ({
    energy_uj_per_inference: { value, uncertainty: 1, coverage: 0.95, method: "edges", budget: [] },
  });
  const all = [
    record({ p50: 100, ...energy(10) }),
    record({ p50: 50, ...energy(20) }),
    record({ p50: 120, ...energy(15) }),
    record({ p50: 1, ...energy(1), verdict: "invalid" }),
    record({ p50: 1, energy_uj_per_inference: null }),
  ];
  const { front, left_out } = paretoFront(all, ["latency", "energy"]);
  expect(front.map((entry) => entry.latency_us?.p50)).toEqual([100, 50]);
  expect(left_out).toBe(2);
});

test("on every axis alone the best stands in front: the most accurate, and the least of time, energy and memory", () => {
  const make = (p50: number, energy: number, right: number, bytes: number): ResultRecord =>
    record({
      p50,
      energy_uj_per_inference: { value: energy, uncertainty: 1, coverage: 0.95, method: "edges", budget: [] },
      accuracy: { metric: "top1", correct: right, total: 10, value: right / 10 },
      memory_bytes: { peak: bytes },
    });
  const [fast, frugal, accurate, small] = [make(1, 9, 5, 9), make(9, 1, 5, 9), make(9, 9, 9, 9), make(9, 9, 5, 1)];
  const worst = make(9, 9, 5, 9);
  const all = [fast, frugal, accurate, small, worst];
  expect(paretoFront(all, ["latency"]).front).toEqual([fast]);
  expect(paretoFront(all, ["energy"]).front).toEqual([frugal]);
  expect(paretoFront(all, ["accuracy"]).front).toEqual([accurate]);
  expect(paretoFront(all, ["memory"]).front).toEqual([small]);
  expect(paretoFront(all, ["latency", "energy", "accuracy", "memory"]).front).toEqual([fast, frugal, accurate, small]);
  const blind = record({ accuracy: null });
  expect(paretoFront([blind], ["accuracy"])).toEqual({ front: [], left_out: 1 });
});

test("CSV and MLPerf layout say what was simulated, and whose measurement it was", () => {
  const [header, row] = toCsv([run("01", [record({ reasons: ['a "quoted", reason'] })])])
    .trim()
    .split("\n");
  expect(header?.split(",").slice(0, 5)).toEqual(["run_id", "experiment", "target", "target_kind", "simulated"]);
  expect(row).toContain("01,e,a,simulated,rail,m");
  expect(row).toContain('"a ""quoted"", reason"');
  const long = record({ windows: longWindows });
  const early_stopping = { confidence: 0.99, p90: { value: 130, discarded: 3 }, p95: null, p99: null };
  Object.assign(long.latency_us as object, { early_stopping });
  const { summary, detail } = toMlperf(run("01", [long]), long);
  expect(summary).toMatch(/Result is : VALID[\s\S]*not by LoadGen[\s\S]*Simulated: rail/);
  expect(summary).toContain("90.0th percentile latency (ns) : 120000");
  for (const line of detail.trim().split("\n")) {
    expect(line.startsWith(":::MLLOG ")).toBe(true);
    expect(Object.keys(JSON.parse(line.slice(9)))).toEqual([
      "key",
      "value",
      "time_ms",
      "namespace",
      "event_type",
      "metadata",
    ]);
  }
});

test("a run is found by folder, file, id or its beginning; a broken one is named and costs nobody else", () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-results-"));
  for (const id of ["11", "12", "20"]) {
    mkdirSync(join(folder, `e-${id}`));
    writeFileSync(join(folder, `e-${id}`, "result.json"), JSON.stringify(run(id, [record()])));
  }
  mkdirSync(join(folder, "broken"));
  writeFileSync(join(folder, "broken", "result.json"), "{");
  expect(listRuns(folder).runs.map((entry) => entry.run_id)).toEqual(["20", "12", "11"]);
  expect(listRuns(folder).broken).toHaveLength(1);
  expect(findRun("2", folder).folder).toBe(join(folder, "e-20"));
  expect(findRun(join(folder, "e-11"), folder).run_id).toBe("11");
  expect(() => findRun("1", folder)).toThrow("names 2 runs");
  expect(() => findRun("9", folder)).toThrow(/no run 9.*20, 12, 11/);
});

test("LoadGen's log has the headline of each scenario, with what early stopping says of that percentile", () => {
  const early = {
    confidence: 0.99,
    p90: { value: 130, discarded: 3 },
    p95: null,
    p99: { value: 190, discarded: 1 },
  };
  const of = (scenario: ResultRecord["scenario"]): string => {
    const one = record({ scenario });
    const latency = one.latency_us as NonNullable<ResultRecord["latency_us"]>;
    Object.assign(latency, { p97: 140, p999: 180, early_stopping: early });
    return toMlperf(run("01", [one]), one).summary;
  };
  const lines = (text: string): string[] => text.split("\n");
  expect(lines(of("single-stream"))).toEqual(
    expect.arrayContaining([
      "90.0th percentile latency (ns) : 120000",
      "  Early stopping satisfied: Yes",
      " * Would discard 3 highest latency queries.",
      " * Early stopping 90.0th percentile estimate: 130000",
      "97.00 percentile latency (ns)   : 140000",
      "99.90 percentile latency (ns)   : 180000",
    ]),
  );
  expect(lines(of("multi-stream"))).toEqual(
    expect.arrayContaining([
      "99.0th percentile latency (ns) : 150000",
      " * Early stopping 99.0th percentile estimate: 190000",
    ]),
  );
  expect(lines(of("server"))).toContain("Completed samples per second    : 10000.00");
  expect(lines(of("offline"))).toContain("Samples per second: 10000");
  expect(of("offline")).toContain("Early stopping satisfied: Yes");
  expect(of("offline")).not.toContain("Early Stopping Result");
  const few = record();
  Object.assign(few.latency_us as object, { early_stopping: null });
  const short = toMlperf(run("01", [few]), few).summary;
  expect(short).toContain("  Early stopping satisfied: NO");
  expect(short).toContain(" * Only processed ");
  expect(toMlperf(run("01", []), record()).summary).not.toContain("97.00");
});

test("LoadGen's log of a server counts what is above the bound, and is valid only where all of its conditions hold", () => {
  const of = (latency_bound: ResultRecord["latency_bound"], windows = longWindows): string => {
    const one = record({ scenario: "server", windows, ...(latency_bound === undefined ? {} : { latency_bound }) });
    return toMlperf(run("01", [one]), one).summary;
  };
  // p99 of these records is 150 us.
  const good = of(holdBound(662, 1, 200));
  expect(good).toMatch(/Result is : VALID\n {2}Performance constraints satisfied : Yes\n/);
  expect(good).toMatch(/Early stopping satisfied: Yes\n[\s\S]* \* Run successful\.\n/);
  expect(good).toContain("target_latency (ns): 200000");
  expect(good).not.toContain("percentile estimate");
  const few = of(holdBound(500, 1, 200));
  expect(few).toMatch(/Result is : INVALID\n {2}Performance constraints satisfied : Yes\n/);
  expect(few).toMatch(/Early stopping satisfied: NO\n[\s\S]* \* Processed 500 queries\.\n.* at least 162 more queries/);
  expect(of(holdBound(1000, 100, 140))).toMatch(/INVALID\n {2}Performance constraints satisfied : NO\n/);
  // Nor can it be told of a record without a bound, as earlier versions wrote them.
  expect(of(undefined)).toMatch(/Result is : INVALID[\s\S]*Early stopping satisfied: NO/);
});

test("LoadGen's log calls a measurement of less than 600 s too short, whatever its verdict here", () => {
  const of = (duration_us: number): string => {
    const one = record({ scenario: "offline", windows: longWindows.map((window) => ({ ...window, duration_us })) });
    return toMlperf(run("01", [one]), one).summary;
  };
  expect(of(119e6)).toMatch(/Result is : INVALID\n {2}Min duration satisfied : NO\n/);
  expect(of(119e6)).toContain("MLTB's verdict : valid");
  expect(of(120e6)).toMatch(/Result is : VALID\n {2}Min duration satisfied : Yes\n/);
});
