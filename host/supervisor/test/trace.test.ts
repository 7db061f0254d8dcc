import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nominalCalibration } from "@mltb/contract";
import { bodyCheck, PowerAction } from "@mltb/protocol";
import { afterEach, expect, test } from "vitest";
import { FrameRing } from "../src/link/frame-ring.ts";
import { decodeTrace, parseTrace, type ReplayEvent, readTrace, replayTrace, type Trace } from "../src/trace/index.ts";
import { traceLines } from "../src/trace/trace.ts";
import { type VirtualBay, virtualBay } from "./virtual.ts";

let bay: VirtualBay | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
});

function read(text: string): Trace {
  const trace = parseTrace("t", text);
  if ("faults" in trace) throw new Error(trace.faults[0]?.message);
  return trace;
}

test("a trace of a live link decodes without a fault, and its replay concludes what the supervisor concluded", async () => {
  bay = await virtualBay(1);
  const { board, rack } = bay.boards[0] as (typeof bay.boards)[0];
  const live: string[] = [];
  bay.hub.on("power", (target, cause) => live.push(`${target.name} ${target.power} ${cause}`));
  bay.hub.on("marker", (target, level, tick_us) => live.push(`${target} ${level} ${tick_us}`));
  bay.hub.on("button", (_rack, button, press) => live.push(`${button} ${press}`));
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  const check = bodyCheck(1, PowerAction.on, 0);
  void board.link.request("power_set", { channel: 1, action: PowerAction.on, off_ms: 0, check }, 3000);
  await bay.run(400);
  rack.electronics.marker(1, 1, rack.electronics.now_us());
  rack.press("select", 80);
  await bay.run(300);
  const text = [...traceLines(board)].join("\n");
  const trace = read(text);
  expect(trace.header).toMatchObject({ board: "r1-board", serial: "SIM-1", dropped_bytes: 0, lifecycle: "ready" });
  const decoded = [...decodeTrace(trace)];
  expect(decoded.filter((item) => "faults" in item)).toEqual([]);
  const names = new Set(decoded.map((item) => ("name" in item ? `${item.direction} ${item.name}` : "")));
  for (const name of [
    "tx hello",
    "rx welcome",
    "tx power_set",
    "rx power_answer",
    "rx sample_block",
    "rx marker_edge",
  ]) {
    expect(names).toContain(name);
  }
  const events: ReplayEvent[] = [];
  const summary = replayTrace(trace, (event) => events.push(event));
  const again = events.flatMap(({ event, ...e }) => {
    if (event === "power") return [`${e["target"]} ${e["power"]} ${e["cause"]}`];
    if (event === "marker") return [`${e["target"]} ${e["level"]} ${e["tick_us"]}`];
    return event === "button" ? [`${e["button"]} ${e["press"]}`] : [];
  });
  expect(live.length).toBeGreaterThan(4);
  expect(again).toEqual(live);
  expect(summary).toMatchObject({ faulty_pieces: 0, unreadable: 0 });
  expect(summary.samples).toEqual({ received: board.measure.received, lost: 0, malformed: 0 });
  expect(summary.targets[0]).toMatchObject({ name: "r1-t1", power: "on", voltage_v: board.channels[0]?.voltage_v });
});

test("samples of a replay are scaled by what the board stores, also where the trace begins behind its answer", async () => {
  bay = await virtualBay(1);
  const { board } = bay.boards[0] as (typeof bay.boards)[0];
  const channel = board.channels[0] as NonNullable<(typeof board.channels)[0]>;
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  await bay.run(300);
  const check = bodyCheck(1, PowerAction.on, 0);
  void board.link.request("power_set", { channel: 1, action: PowerAction.on, off_ms: 0, check }, 3000);
  await bay.run(400);
  const record = { ...nominalCalibration, voltage_ppm: 20_000, fast_ppm: 30_000, fast_offset_a: 0.05 };
  let stored = false;
  void board.calibrate(channel, record).then(() => {
    stored = true;
  });
  await bay.until(() => stored, 10_000);
  await bay.run(1500);
  expect(board.calibrations.view(1).record).toEqual(record);
  const live = { current_a: channel.current_a, voltage_v: channel.voltage_v };
  const trace = read([...traceLines(board)].join("\n"));
  expect(trace.header.dropped_bytes).toBe(0);
  expect(replayTrace(trace, () => undefined).targets[0]).toMatchObject(live);
  const later = { header: { ...trace.header, dropped_bytes: 1 }, pieces: trace.pieces.slice(-100) };
  const names = [...decodeTrace(later)].map((item) => ("name" in item ? item.name : ""));
  expect(names).toContain("sample_block");
  expect(names).not.toContain("calibration_answer");
  expect(replayTrace(later, () => undefined).targets[0]).toMatchObject(live);
  // Without it the design's factors would say 3 % and 50 mA less.
  const targets = later.header.targets.map(({ target, channel: number }) => ({ target, channel: number }));
  const plain = replayTrace({ ...later, header: { ...later.header, targets } }, () => undefined).targets[0];
  expect((live.current_a ?? 0) - (plain?.current_a ?? 0)).toBeGreaterThan(0.05);
});

test("damage in a trace is told where it lies; the frames around it are read", async () => {
  bay = await virtualBay(1);
  const { board } = bay.boards[0] as (typeof bay.boards)[0];
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  await bay.run(300);
  const trace = read([...traceLines(board)].join("\n"));
  const good = [...decodeTrace(trace)].length;
  const piece = trace.pieces[trace.pieces.length - 4] as { bytes: Uint8Array };
  piece.bytes[3] = (piece.bytes[3] as number) ^ 0x10;
  const decoded = [...decodeTrace(trace)];
  const faults = decoded.filter((item) => "faults" in item);
  expect(faults).toHaveLength(1);
  expect(decoded.length).toBeGreaterThanOrEqual(good - 3);
  expect(replayTrace(trace, () => undefined).faulty_pieces).toBe(1);
  // Where the ring has let go of older bytes, the first cut frame of each direction is no fault.
  const cut = { header: { ...trace.header, dropped_bytes: 100 }, pieces: trace.pieces.slice(0, 12) };
  const [first] = cut.pieces as [(typeof cut.pieces)[0]];
  cut.pieces[0] = { ...first, bytes: first.bytes.slice(2) };
  expect([...decodeTrace(cut)].filter((item) => "faults" in item)).toEqual([]);
});

test("the ring holds its limit, gives way at its beginning and counts what it let go", () => {
  const ring = new FrameRing(1000);
  for (let n = 0; n < 5000; n += 1) ring.push(n % 2 === 0 ? "rx" : "tx", Uint8Array.of(n & 255, n >> 8, 0), n);
  const list = ring.list();
  expect(list).toHaveLength(333);
  expect(list.at(-1)?.at_ms).toBe(4999);
  expect(list[0]?.at_ms).toBe(4999 - 332);
  expect(ring.dropped_bytes).toBe(15_000 - 999);
});

test("files that are no trace are faults with their line", () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-trace-"));
  const file = join(folder, "t");
  const header = {
    ...{ schema: "mltb.trace/1", at: "", board: "b", rack: "r", targets: [], serial: null, firmware: null },
    ...{ lifecycle: "ready", fingerprint: 1, dropped_bytes: 0 },
  };
  for (const [text, line, message] of [
    ["", 1, /empty/],
    ["hello\n", 1, /no trace/],
    [`${JSON.stringify(header)}\n{"at_ms":1,"direction":"up","bytes":""}\n`, 2, /direction/],
    [`${JSON.stringify(header)}\n{"at_ms":1,"direction":"rx","bytes":"AA=="}\n{`, 3, /JSON/],
  ] as const) {
    writeFileSync(file, text);
    const trace = readTrace(file);
    expect("faults" in trace && trace.faults[0]).toMatchObject({ line, message: expect.stringMatching(message) });
  }
  expect(readTrace(join(folder, "nowhere"))).toMatchObject({ faults: [{ code: "file-not-found" }] });
  rmSync(folder, { recursive: true });
});
