import { type Bay, nominalCalibration } from "@mltb/contract";
import { expect, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { compareRecords, explain } from "../results/compare.ts";
import type { ResultRecord } from "../results/record.ts";
import type { RecordingDocument } from "./bay-api.ts";
import type { ModelOutcome } from "./measure-model.ts";
import { toRecord } from "./to-record.ts";

const experiment: Experiment = {
  name: "records",
  file: "records.yml",
  bayFile: "bay.yml",
  bay: { bay: "b", racks: [] } as unknown as Bay,
  targets: ["t"],
  models: [],
  measure: {
    scenario: "single-stream",
    warmup: 1,
    windows: 0,
    window_s: 2,
    seed: 1,
  } as unknown as Experiment["measure"],
};
const model = { name: "m", size_bytes: 1, sha256: "0", macs: null, weights: null, optimizations: [] };
const known = { target: "t", model, host: { cpu: "c", cores: 1, os: "o" }, inputs_sha256: null };

/** A record of a recording that says this of itself. */
function recordOf(
  facts: Partial<RecordingDocument>,
  environment: ModelOutcome["measured"]["environment"] = null,
  method: "edges" | "host_clock" = "edges",
  more: Partial<ModelOutcome["measured"]> = {},
): ResultRecord {
  const recording = {
    ...{ id: "r", target: "t", simulated: [], nominal_v: 5, board_revision: "A", firmware: "f", rate_hz: 1000 },
    ...{ calibration: "design", calibration_record: null, markers: [], windows: [], samples: { received: 0, lost: 0 } },
    trace: { first_tick_us: 0, period_us: 1000, current_a: [], voltage_v: [] },
    ...facts,
  } as RecordingDocument;
  const measured: ModelOutcome["measured"] = {
    ...{ windows: [], runtime: { name: "r", version: "1", threads: 1 }, method, network: "isolated" },
    ...{ peak_memory_bytes: null, environment, requests_meanwhile: 0 },
    ...more,
  };
  return toRecord(experiment, known, { measured, recording, answers: null, numerical: { refused: "none" } });
}

test("without a marker the energy is left out with its reason, and the verdict is of the latencies", () => {
  const record = recordOf({}, null, "host_clock");
  expect(record).toMatchObject({ verdict: "valid-short", energy_uj_per_inference: null });
  expect(record.energy_refused).toMatch(/no marker/);
  expect(record.reasons.join()).toMatch(/no energy: .*no marker/);
});

test("of a foreign server the record tells no threads, no memory and no environment, and makes none up from this machine", () => {
  const isolation = { network: "not isolated", model_folder: "writable" };
  const foreign = { runtime: { name: "oip:triton", version: "2.1", threads: 0 }, ...isolation };
  const record = recordOf({}, null, "host_clock", foreign);
  expect(record).toMatchObject({
    ...foreign,
    ...{ memory_bytes: null, environment: null, warnings: [] },
  });
  const unknown = [
    "governor",
    "clock",
    "power_mode",
    "allowed_cpus",
    "processor",
    "memory_bytes",
    "board",
    "os",
    "kernel",
    "cooling",
    "engine",
  ];
  const { fields } = record.fingerprint;
  expect(unknown.map((name) => fields[name])).toEqual(unknown.map(() => null));
  expect(fields["threads"]).toBe(0);
  const seen = { cores: 4, memory_bytes: 4e9, processor: "p" };
  const agent = { runtime: { name: "ort-web", version: "1", threads: 1 }, peak_memory_bytes: 5e7 };
  const told = recordOf({}, { before: seen, after: seen }, "edges", agent);
  expect(told).toMatchObject({
    ...{ runtime: agent.runtime, memory_bytes: { peak: 5e7 }, environment: { before: seen } },
    fingerprint: { fields: { threads: 1, memory_bytes: 4e9, processor: "p" } },
  });
});

test("results of boards that are calibrated otherwise are not compared, and the difference is named", () => {
  const record = { ...nominalCalibration, fast_ppm: 1200 };
  const design = recordOf({});
  const board = recordOf({ calibration: "board", calibration_record: record });
  expect(compareRecords(design, recordOf({})).comparable).toBe(true);
  expect(compareRecords(board, recordOf({ calibration: "board", calibration_record: { ...record } })).comparable).toBe(
    true,
  );
  expect(compareRecords(design, board)).toEqual({
    comparable: false,
    differing: [{ field: "calibration", a: "design", b: record }],
    deltas: [],
    circumstances: [],
  });
  const other = recordOf({ calibration: "board", calibration_record: { ...record, fast_ppm: 1201 } });
  expect(explain(compareRecords(board, other))).toContain("calibration.fast_ppm is 1200 in one and 1201 in the other");
});

test("results of another processor, clock, power mode, memory, cooling or system, or of a meter with another range, are not compared", () => {
  const seen = {
    processor: "a, stepping 1",
    memory_bytes: 4e9,
    board: "b",
    os: "o",
    kernel: "k",
    cooling: "fan",
    engine: "node 24",
    clock: "408-1800 MHz",
    power_mode: "nvpmodel 0 MAXN",
  };
  const of = (change: Partial<typeof seen>): ResultRecord =>
    recordOf({}, { before: { ...seen, ...change }, after: { ...seen, ...change } });
  expect(compareRecords(of({}), of({})).comparable).toBe(true);
  const changes: Partial<typeof seen>[] = [
    { processor: "a, stepping 2" },
    { memory_bytes: 8e9 },
    { board: "c" },
    { os: "p" },
    { kernel: "l" },
    { cooling: "none" },
    { engine: "node 26" },
    { clock: "408-1416 MHz" },
    { power_mode: "nvpmodel 2 MODE_30W" },
  ];
  for (const change of changes) {
    const { comparable, differing } = compareRecords(of({}), of(change));
    expect({ comparable, fields: differing.map(({ field }) => field) }).toEqual({
      comparable: false,
      fields: Object.keys(change),
    });
  }
  const meter = { current: "converter", range_a: 5, rate_hz: 1000, voltage: "monitor" };
  const wider = compareRecords(recordOf({ meter }), recordOf({ meter: { ...meter, range_a: 6 } }));
  expect(explain(wider)).toContain("meter.range_a is 5 in one and 6 in the other");
});

test("which parts were simulated is what the recording says, in the record, its kind and its fingerprint", () => {
  expect(recordOf({ simulated: ["rail", "marker"] })).toMatchObject({
    target_kind: "simulated",
    simulated: ["rail", "marker"],
    fingerprint: { fields: { target_kind: "simulated", simulated: ["rail", "marker"] } },
  });
  expect(recordOf({ simulated: [] })).toMatchObject({ target_kind: "real", simulated: [] });
  // What no edge came through has no part in a record.
  expect(recordOf({ simulated: ["rail", "marker"] }, null, "host_clock").simulated).toEqual(["rail"]);
  const rail = recordOf({ simulated: ["rail"] });
  expect(compareRecords(rail, rail).deltas.map(({ simulated }) => simulated)).toEqual([["rail"]]);
  expect(compareRecords(rail, recordOf({ simulated: ["rail", "marker"] })).differing).toEqual([
    { field: "simulated", a: ["rail"], b: ["rail", "marker"] },
  ]);
});

test("of a target that was not measured the bay's file says which parts are simulated", () => {
  const bay = (link: unknown) =>
    ({ bay: "b", racks: [{ board: { link }, targets: [{ target: "t" }] }] }) as unknown as Bay;
  const of = (link: unknown) => toRecord({ ...experiment, bay: bay(link) }, known, { failure: "no" });
  expect(of("simulated")).toMatchObject({ target_kind: "simulated", simulated: ["rail", "board", "marker"] });
  expect(of({ serial: "x" })).toMatchObject({ target_kind: "real", simulated: [] });
});

test("what reached the board inside windows is a warning of the record, and of nothing where no window is known", () => {
  const [warning, ...more] = recordOf({ requests_inside: 3 }).warnings ?? [];
  expect(warning).toMatch(/^3 requests or presses of buttons reached the monitoring board inside windows/);
  expect(more).toEqual([]);
  expect(recordOf({ requests_inside: 0 }).warnings).toEqual([]);
  expect(recordOf({}).warnings).toEqual([]);
  expect(recordOf({ requests_inside: 3 }, null, "host_clock").warnings).toEqual([]);
});
