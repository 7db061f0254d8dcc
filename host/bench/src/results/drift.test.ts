import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { compareRecords, explain } from "./compare.ts";
import { driftOf, driftText } from "./drift.ts";
import { latency } from "./latency.ts";
import { fingerprint, type ResultRecord, type RunDocument } from "./record.ts";

/** A record of five windows of a target with a floor and a tail, as a bench writes it. */
function record(seed: number, change: Partial<ResultRecord> = {}, slower = { all: 1, tail: 1 }): ResultRecord {
  const random = uniform(seed);
  const windows = Array.from({ length: 5 }, () => {
    const level = slower.all * (1 + 0.01 * random());
    return Float64Array.from(
      { length: 2000 },
      (_, i) => 100 * level * (i % 50 === 0 ? 3 * slower.tail : 1 + 0.1 * random()),
    );
  });
  const durations = windows.map((window) => window.reduce((a, b) => a + b, 0));
  const statistics = latency(windows);
  return {
    ...{ schema: "mltb.result/1", target: "a", target_kind: "real", simulated: [], scenario: "single-stream" },
    ...{ model: { name: "m", sha256: "00", bytes: 1, macs: 1, weights: 1 } },
    ...{ runtime: { name: "r", version: "1", threads: 1 }, seed: 1, warmup: 1, verdict: "valid", reasons: [] },
    ...{ latency_us: statistics, phases_us: null, energy_refused: null, numerical_error: null, artifacts: [] },
    throughput_per_s: (1e6 * statistics.n) / durations.reduce((a, b) => a + b, 0),
    energy_uj_per_inference: { value: 50, uncertainty: 2, coverage: 0.95, method: "edges", budget: [] },
    windows: durations.map((duration_us) => ({
      ...{ start_tick: null, stop_tick: null, energy_uj: null, samples_lost: null },
      ...{ duration_us, inferences: 2000, p50_us: 100 },
    })),
    samples: { rate_hz: 1, received: 1, lost: 0 },
    memory_bytes: { peak: 50e6 },
    accuracy: { metric: "top1", correct: 190, total: 200, value: 0.95 },
    fingerprint: fingerprint({ target: "a" }),
    ...change,
  } as ResultRecord;
}

function run(id: string, one: ResultRecord): RunDocument {
  const at = `2026-01-01T00:00:${id}Z`;
  return {
    schema: "mltb.run/1",
    run_id: id,
    experiment: "e",
    started_at: at,
    ended_at: at,
    folder: "",
    results: [one],
  };
}

/** A record as earlier versions wrote it: p50 alone has an interval. */
function older(of: ResultRecord): ResultRecord {
  const {
    ci95_p90: _0,
    ci95_p95: _1,
    ci95_p99: _2,
    ci95_mean: _3,
    ...rest
  } = of.latency_us as NonNullable<ResultRecord["latency_us"]>;
  return { ...of, latency_us: rest };
}

const figures = (before: ResultRecord, after: ResultRecord): string[] =>
  driftOf(run("02", after), [run("01", before)]).map(({ figure }) => figure);

test.each([
  ["p99 a hundred times longer", record(2, {}, { all: 1, tail: 100 }), ["latency_us.p99"]],
  [
    "accuracy from 0.95 to 0.10",
    record(2, { accuracy: { metric: "top1", correct: 20, total: 200, value: 0.1 } }),
    ["accuracy"],
  ],
  ["memory a thousand times larger", record(2, { memory_bytes: { peak: 50e9 } }), ["memory_bytes.peak"]],
  [
    "throughput a tenth",
    record(2, {
      throughput_per_s: (record(2).throughput_per_s as number) / 10,
      windows: record(2).windows.map((window) => ({ ...window, inferences: 200 })),
    }),
    ["throughput_per_s"],
  ],
  [
    "everything twice as slow",
    record(2, {}, { all: 2, tail: 1 }),
    ["latency_us.p50", "latency_us.p90", "latency_us.p95"],
  ],
] as const)(
  "%s drifts and is explained, against a record of today and one of an earlier version",
  (_name, after, want) => {
    for (const before of [record(1), older(record(1))]) {
      expect(figures(before, after)).toEqual(expect.arrayContaining([...want]));
      expect(explain(compareRecords(before, after))).toContain("more than its uncertainty");
    }
  },
);

test("thirty runs of an unchanged target do not drift, nor does accuracy for a few answers", () => {
  for (let seed = 10; seed < 40; seed += 1) expect([seed, figures(record(1), record(seed))]).toEqual([seed, []]);
  const accuracy = { metric: "top1" as const, correct: 185, total: 200, value: 0.925 };
  expect(figures(record(1), record(2, { accuracy }))).toEqual([]);
  expect(figures(record(1), record(2, { memory_bytes: { peak: 54e6 } }))).toEqual([]);
});

test("a figure that was 0 has no ratio, and is told all the same", () => {
  const none = { metric: "top1" as const, correct: 0, total: 200, value: 0 };
  const [drift] = driftOf(run("02", record(2)), [run("01", record(1, { accuracy: none }))]);
  expect(drift).toMatchObject({ figure: "accuracy", a: 0, b: 0.95 });
  expect(driftText(drift as NonNullable<typeof drift>)).toContain("accuracy moved from 0 to 0.95 against run 01");
});
