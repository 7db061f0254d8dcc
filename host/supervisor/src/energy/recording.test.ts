import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { MARKERS_MAX, Recording, VOLTAGES_MAX } from "./recording.ts";
import { encodeRecording, readRecordingFile } from "./recording-file.ts";

const PERIOD_US = 1000;
const AMPS = 1e-4;

function block(recording: Recording, first: number, end_us: number, rows = 20): void {
  recording.samples(first, end_us, PERIOD_US, new Array(rows).fill(0.1));
}

/** Two seconds at 0.1 A and 5 V with a window of a second; `skip` rows are missing from its middle. */
function steady(skip = 0): Recording {
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 1000);
  block(recording, 1000 + skip, (1001 + skip) * PERIOD_US, 1000 - skip);
  for (let at = 0; at <= 2_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, 500_300);
  recording.marker(0, 1_500_300);
  return recording;
}

const only = (recording: Recording) => {
  const { windows } = recording.result();
  expect(windows).toHaveLength(1);
  return windows[0] as (typeof windows)[0];
};

test("rows that an index skips are lost, and so is the time in which a stream began anew", () => {
  const recording = new Recording(1e-5);
  block(recording, 0, 1000);
  block(recording, 20, 21_000);
  // Twenty rows missing.
  block(recording, 60, 61_000);
  expect(recording.result().samples).toEqual({ received: 60, lost: 20 });
  // The stream begins at 0 again, 900 ms after the last row.
  block(recording, 0, 981_000);
  expect(recording.result().samples).toEqual({ received: 80, lost: 20 + 900 });
});

test("an index that passes its highest value is no loss", () => {
  const recording = new Recording(1e-5);
  block(recording, 2 ** 32 - 20, 1000);
  block(recording, 0, 21_000);
  expect(recording.result().samples).toEqual({ received: 40, lost: 0 });
});

test("the budget of a steady window, worked by hand", () => {
  const { energy_uj, refused, terms } = only(steady());
  expect(refused).toBeNull();
  expect(energy_uj).toBeCloseTo(500_000, 3);
  const of = (name: string) => terms.find(({ term }) => term === name)?.standard_uj;
  // 0.2 % rectangular of 0.5 J; 0.2 mA at 5 V for 1 s; 0.25 mA x 5 V x 1 ms x sqrt(1000).
  expect(of("gain")).toBeCloseTo((0.002 * 500_000) / Math.sqrt(3), 3);
  expect(of("offset")).toBeCloseTo((0.0002 * 5 * 1e6) / Math.sqrt(3), 3);
  expect(of("noise")).toBeCloseTo(0.00025 * 5 * 1000 * Math.sqrt(1000), 3);
  expect(of("resolution")).toBeCloseTo((AMPS / Math.sqrt(12)) * 5 * 1000 * Math.sqrt(1000), 3);
  expect(of("voltage gain")).toBeCloseTo((0.001 * 500_000) / Math.sqrt(3), 3);
  expect(of("timing")).toBeCloseTo(0, 3);
  expect(of("edges")).toBeCloseTo(0, 3);
  expect(of("loss")).toBe(0);
});

test("work from edge to edge, which cut samples: its energy, and the terms of the edges, worked by hand", () => {
  const recording = new Recording(AMPS);
  // 0.1 A, or 0.099 and 0.101 in turns; 0.3 A from 500.7 ms to 1500.3 ms.
  const outside = (row: number): number => (row % 2 === 0 ? 0.099 : 0.101);
  const currents = Array.from({ length: 2000 }, (_, row) => (row > 500 && row < 1500 ? 0.3 : outside(row)));
  currents[500] = 0.7 * 0.101 + 0.3 * 0.3;
  currents[1500] = 0.3 * 0.3 + 0.7 * 0.101;
  recording.samples(0, PERIOD_US, PERIOD_US, currents);
  for (let at = 0; at <= 2_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, 500_700);
  recording.marker(0, 1_500_300);
  const { energy_uj, terms } = only(recording);
  expect(energy_uj).toBeCloseTo(0.3 * 5 * 999_600, 3);
  const of = (name: string) => terms.find(({ term }) => term === name)?.standard_uj;
  expect(of("timing")).toBeCloseTo((0.2 * 5 * 75) / Math.sqrt(3), 2);
  expect(of("edges")).toBeCloseTo((0.001 * Math.sqrt(20 / 19) * 5 * PERIOD_US * 2) / Math.sqrt(3), 2);
});

test("loss within the limit widens the interval, loss above it is refused with the numbers", () => {
  const little = only(steady(9));
  expect(little).toMatchObject({ samples_lost: 9, refused: null });
  expect(little.energy_uj).toBeCloseTo(500_000, 3);
  const much = only(steady(20));
  expect(much).toMatchObject({ samples_lost: 20, energy_uj: null, terms: [] });
  expect(much.refused).toBe("20 samples, 2.00 % of the window, were lost; the limit is 1.00 %");
});

test.each<[string, (recording: Recording) => void, RegExp]>([
  ["samples that end before the window", (r) => block(r, 0, PERIOD_US, 900), /do not cover the window/],
  ["no samples at all", () => undefined, /no samples/],
])("refused: %s", (_name, fill, reason) => {
  const recording = new Recording(AMPS);
  fill(recording);
  for (let at = 0; at <= 2_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, 500_300);
  recording.marker(0, 1_500_300);
  expect(only(recording)).toMatchObject({ energy_uj: null, refused: expect.stringMatching(reason) });
});

test("refused: a monitor that fell silent, whose voltage would only be guessed", () => {
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 2000);
  for (let at = 0; at <= 2_000_000; at += 10_000) if (at < 700_000 || at > 900_000) recording.voltage(at, 5);
  recording.marker(1, 500_300);
  recording.marker(0, 1_500_300);
  expect(only(recording).refused).toMatch(/no voltage was read for more than 100 ms/);
});

test("refused: a board that began anew inside the window; the window after it is good", () => {
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 1000);
  for (let at = 0; at <= 1_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, 500_300);
  recording.restarted();
  block(recording, 0, PERIOD_US, 2000);
  for (let at = 0; at <= 2_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(0, 300_000);
  recording.marker(1, 500_300);
  recording.marker(0, 1_500_300);
  const [across, after] = recording.result().windows;
  expect(across?.refused).toMatch(/started anew/);
  expect(after?.energy_uj).toBeCloseTo(500_000, 3);
});

test("refused: a window whose edges a lost link may have swallowed; those before and after it are good", () => {
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 20_000);
  for (let at = 0; at < 20_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, 1_000_300);
  recording.marker(0, 2_000_300);
  // One begins. The link is away for 100 ms, in which it ends and the next begins: with less than 1 % of the samples lost.
  recording.marker(1, 19_999_900);
  recording.linkLost();
  block(recording, 0, 20_101 * PERIOD_US, 20_000);
  for (let at = 20_090_000; at <= 41_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(0, 39_000_300);
  recording.marker(1, 39_500_300);
  recording.marker(0, 40_000_300);
  const { windows, links_lost } = recording.result();
  expect(windows.map(({ refused }) => refused)).toEqual([null, "the link was lost: edges may be missing", null]);
  expect(windows.map(({ energy_uj }) => energy_uj === null)).toEqual([false, true, false]);
  expect(links_lost).toBe(1);
});

const facts = {
  id: "rec-1",
  target: "t1",
  rack: "r1",
  channel: 1,
  simulated: ["rail"],
  nominal_v: 5,
  board_revision: "a",
  firmware: "1.0",
  recorded_at: "2026-01-01T00:00:00Z",
};

test("samples whose scale has followed the temperature since the recording began: the answer is what its file gives", () => {
  const live = new Recording(AMPS);
  const warmed = AMPS * (1 + 80e-6);
  for (let first = 0; first < 2000; first += 20) {
    const codes = Array.from({ length: 20 }, (_, i) => 9000 + (((first + i) * 37) % 200));
    live.samples(
      first,
      (first + 1) * PERIOD_US,
      PERIOD_US,
      codes.map((code) => code * warmed),
    );
  }
  for (let at = 0; at <= 2_000_000; at += 10_000) live.voltage(at, 5 + (at % 70_000) / 1e8);
  live.marker(1, 500_300);
  live.marker(0, 1_500_300);
  const folder = mkdtempSync(join(tmpdir(), "mltb-recording-"));
  const file = join(folder, "a.mltb.gz");
  writeFileSync(file, encodeRecording(live, facts));
  const read = readRecordingFile(file);
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  expect(live.result().windows[0]?.energy_uj).toBeGreaterThan(4e6);
  expect(read.recording.result()).toEqual(live.result());
  rmSync(folder, { recursive: true });
});

test("a file gives the recording back: the same samples, gaps and windows", () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-recording-"));
  const file = join(folder, "a.mltb.gz");
  const before = steady(9);
  before.restarted();
  block(before, 0, PERIOD_US, 100);
  before.linkLost();
  writeFileSync(file, encodeRecording(before, facts));
  const read = readRecordingFile(file);
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  expect(read.facts).toMatchObject(facts);
  expect(read.recording.result().windows).toEqual(before.result().windows);
  expect(read.recording.raw()).toEqual(before.raw());

  const whole = readFileSync(file);
  for (const [name, bytes, message] of [
    ["cut", whole.subarray(0, whole.length - 20), /damaged/],
    ["other", gzipSync("hello\n"), /header/],
    ["short", gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify({})}\n`)])), /header/],
  ] as const) {
    writeFileSync(join(folder, name), bytes);
    const bad = readRecordingFile(join(folder, name));
    expect("faults" in bad && bad.faults[0]?.message, name).toMatch(message);
  }
  expect(readRecordingFile(join(folder, "nowhere"))).toMatchObject({ faults: [{ code: "file-not-found" }] });
  rmSync(folder, { recursive: true });
});

test("voltages and edges are bounded like samples: what finds no room is counted, and makes no window", () => {
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 2000);
  for (let n = 0; n < VOLTAGES_MAX + 3; n += 1) recording.voltage(n * 100, 5);
  for (let n = 0; n < MARKERS_MAX + 5; n += 1) recording.marker((n + 1) % 2, 20_000 + n * 4);
  const { dropped, markers, windows, samples } = recording.result();
  expect(dropped).toEqual({ voltages: 3, markers: 5 });
  expect([markers.length, recording.raw().voltages.length]).toEqual([MARKERS_MAX, VOLTAGES_MAX]);
  expect(windows).toHaveLength(MARKERS_MAX / 2);
  expect(samples).toEqual({ received: 2000, lost: 0 });
});

test("the file of the longest recording can be read again", () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-recording-"));
  const recording = new Recording(AMPS);
  block(recording, 0, PERIOD_US, 100);
  // A board that is up for months, and whose clock was widened.
  for (let n = 0; n < MARKERS_MAX + 1; n += 1) recording.marker((n + 1) % 2, 12_345_678_901_234.5 + n);
  const facts = { id: "rec-1", target: "t1", rack: "r1", channel: 1, simulated: [], nominal_v: 5 };
  const file = join(folder, "long.mltb.gz");
  writeFileSync(
    file,
    encodeRecording(recording, { ...facts, board_revision: "a", firmware: null, recorded_at: "2026-01-01T00:00:00Z" }),
  );
  const read = readRecordingFile(file);
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  expect(read.recording.result().markers).toEqual(recording.result().markers);
  expect(read.recording.result().dropped).toEqual({ voltages: 0, markers: 1 });
  rmSync(folder, { recursive: true });
});

test("nothing is taken behind the first block that found no room, and a window that reaches there is refused", () => {
  const recording = new Recording(AMPS);
  const full = 1_800_000 - 10;
  block(recording, 0, PERIOD_US, full);
  block(recording, full, PERIOD_US * (1 + full), 20);
  // It would fit, and leave a hole of which no gap tells.
  block(recording, full + 20, PERIOD_US * (21 + full), 8);
  const end_us = full * PERIOD_US;
  for (let at = end_us - 1_000_000; at <= end_us + 1_000_000; at += 10_000) recording.voltage(at, 5);
  recording.marker(1, end_us - 500_000);
  recording.marker(0, end_us + 25_000);
  const { samples, windows } = recording.result();
  expect(samples).toEqual({ received: full, lost: 28 });
  expect(windows.map(({ refused }) => refused)).toEqual([expect.stringContaining("do not cover")]);
});
