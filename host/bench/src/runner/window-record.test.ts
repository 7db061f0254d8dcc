import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readExperiments } from "../configurator/experiment.ts";
import type { Experiment } from "../configurator/types.ts";
import { reportOf } from "../report/report.ts";
import { renderTable } from "../report/table.ts";
import type { RunDocument } from "../results/record.ts";
import type { MeasuredWindow } from "./agent-client.ts";
import type { RecordingDocument } from "./bay-api.ts";
import type { ModelOutcome } from "./measure-model.ts";
import { toRecord } from "./to-record.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-record-"));
afterAll(() => rmSync(folder, { recursive: true }));

const quickstart = new URL("../../../../examples/quickstart.yml", import.meta.url).pathname;
const model = { name: "m", size_bytes: 3, sha256: "ab", macs: 1, weights: 1, optimizations: [] };
const known = { target: "local-cpu", model, host: { cpu: "c", cores: 1, os: "o" }, inputs_sha256: null };
const WINDOW_US = 400_000;

function experiment(): Experiment {
  const read = readExperiments(quickstart, ["targets=[local-cpu]", "measure.windows=2"], {});
  if ("faults" in read) throw new Error(read.faults.map((fault) => fault.message).join("\n"));
  return read.experiments[0] as Experiment;
}

function measuredWindow(latency_us: number[]): MeasuredWindow {
  const inferences = latency_us.length;
  const phases = { pre_us: 1, inference_us: 100, post_us: 1 };
  return { inferences, duration_us: WINDOW_US, latency_us: Float64Array.from(latency_us), ...phases };
}

/** Two windows of 1000 uJ each; `edges` are their durations by the marker. */
function outcome(windows: MeasuredWindow[], edges: number[]): ModelOutcome {
  const recorded = edges.map((duration_us, i) => ({
    ...{ start_tick: i * 1e6, stop_tick: i * 1e6 + duration_us, duration_us, energy_uj: 1000, mean_power_w: 1 },
    ...{ samples_lost: 0, refused: null },
    terms: [{ term: "gain", standard_uj: 5, distribution: "rectangular" as const, systematic: true }],
  }));
  const trace = { first_tick_us: 0, period_us: 1000, current_a: [], voltage_v: [] };
  const facts = {
    id: "r",
    target: "local-cpu",
    simulated: ["rail"],
    nominal_v: 5,
    board_revision: "1",
    firmware: null,
  };
  return {
    measured: {
      windows,
      runtime: { name: "r", version: "1", threads: 1 },
      ...{ method: "edges", network: "isolated", peak_memory_bytes: null, environment: null, requests_meanwhile: 0 },
    },
    recording: {
      ...facts,
      ...{ rate_hz: 1000, samples: { received: 1, lost: 0 }, markers: [], trace, windows: recorded },
      ...{ calibration: "design", calibration_record: null },
    } as RecordingDocument,
    answers: null,
    numerical: { refused: "none here" },
  };
}

test("a window without an inference has no energy and no median, and the report of its run can be made again", () => {
  const record = toRecord(
    experiment(),
    known,
    outcome([measuredWindow([]), measuredWindow([100])], [WINDOW_US, WINDOW_US]),
  );
  expect(record).toMatchObject({
    verdict: "invalid",
    energy_uj_per_inference: null,
    energy_refused: "window 1: no inference ended in it",
    windows: [{ p50_us: null, inferences: 0 }, { p50_us: 100 }],
  });
  const run: RunDocument = {
    schema: "mltb.run/1",
    run_id: "1",
    experiment: "x",
    started_at: "",
    ended_at: "",
    folder,
    results: [record],
  };
  writeFileSync(join(folder, "result.json"), JSON.stringify(run));
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  expect(reportOf(folder)).toContain("no inference ended in it");
  expect(renderTable(run)).toContain("refused");
});

test("edges that come late refuse the energy, with what to do", () => {
  const windows = [measuredWindow([100, 101]), measuredWindow([100])];
  const late = toRecord(experiment(), known, outcome(windows, [WINDOW_US, WINDOW_US * 1.05]));
  expect(late.verdict).toBe("invalid");
  expect(late.reasons[0]).toMatch(
    /window 2 lasted 420000 us by its edges and 400000 us by the agent's clock.*busy.*longer windows/,
  );
  const good = toRecord(experiment(), known, outcome(windows, [WINDOW_US, WINDOW_US * 1.01]));
  expect(good.energy_uj_per_inference).toMatchObject({ value: 750, method: "edges" });
  const lost = toRecord(experiment(), known, outcome(windows, [WINDOW_US]));
  expect(lost.energy_refused).toBe("1 marker windows were recorded, the agent measured 2");
});

test("a server run is held against its bound by the queries above it, of all windows together", () => {
  const base = experiment();
  const server: Experiment = {
    ...base,
    measure: { ...base.measure, scenario: "server", target_per_s: 1000, latency_bound_us: 150 },
  };
  const of = (queries: number, over: number) => {
    const first = Array.from({ length: queries / 2 }, (_, i) => (i < over ? 200 : 100));
    const windows = [first, Array.from({ length: queries / 2 }, () => 100)].map(measuredWindow);
    return toRecord(server, known, outcome(windows, [WINDOW_US, WINDOW_US]));
  };
  expect(of(662, 1)).toMatchObject({
    verdict: "valid-short",
    reasons: ["windows of 0.4 s, 10 s are wanted"],
    latency_bound: { bound_us: 150, queries: 662, over: 1, queries_needed: 662, satisfied: true },
  });
  expect(of(1000, 9)).toMatchObject({ verdict: "invalid", latency_bound: { over: 9, satisfied: false } });
  expect(of(1000, 9).reasons[0]).toMatch(
    /^9 of 1000 queries are above the bound of 150 us: early stopping wants \d+ more/,
  );
  expect(of(1000, 20).reasons[0]).toBe("p99 of 200.0 us is above the bound of 150 us");
  // A run that was held against another bound is another measurement.
  expect(of(662, 1).fingerprint.fields).toMatchObject({ target_per_s: 1000, latency_bound_us: 150 });
});

test("an offline run is judged by how long its queries lasted, and its throughput is of all of them", () => {
  const base = experiment();
  const offline: Experiment = { ...base, measure: { ...base.measure, scenario: "offline", window_s: 10 } };
  const of = (durations: number[]) => {
    const windows = durations.map((duration_us) => ({ ...measuredWindow([100, 101, 102]), duration_us }));
    return toRecord(offline, known, outcome(windows, durations));
  };
  const record = of([11e6, 12e6]);
  expect(record).toMatchObject({ verdict: "valid", reasons: [] });
  expect(record.throughput_per_s).toBeCloseTo(6 / 23, 9);
  expect(of([11e6, 9_999_900])).toMatchObject({
    verdict: "valid-short",
    reasons: ["windows of 9.999 s, 10 s are wanted"],
  });
});
