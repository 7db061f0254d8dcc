import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BayTarget } from "@mltb/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Board } from "../device/board.ts";
import { ChannelModel } from "../device/channel.ts";
import { type BayHub, createHub } from "../events.ts";
import { Cuts } from "../leases/cuts.ts";
import { readRecordingFile } from "./recording-file.ts";
import { Recordings } from "./recordings.ts";

// What other threads do at once here: every turn of the event loop is one that the recording has left to others.
vi.mock("node:zlib", async (original) => ({
  ...(await original<typeof import("node:zlib")>()),
  gzip: (bytes: Buffer, done: (error: null, packed: Buffer) => void) => done(null, gzipSync(bytes)),
}));
const disk = vi.hoisted(() => ({ full: false }));
vi.mock("node:fs/promises", () => ({
  writeFile: async (file: string, bytes: Buffer) => {
    writeFileSync(file, disk.full ? bytes.subarray(0, bytes.length / 2) : bytes);
    if (disk.full) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  },
}));

const MINUTES = 5;
const ROWS = 1000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-recordings-"));
});
afterEach(() => {
  disk.full = false;
  rmSync(folder, { recursive: true });
});

const channels = [1, 2].map((n) => new ChannelModel("r1", { target: `t${n}`, channel: n } as BayTarget));
const own = channels[0] as ChannelModel;

/** A board with two targets; `ended` is told when a recording of it has ended and its work begins. */
function fakeBoard(ended: () => void = () => undefined): Board {
  const scale = { factor: 1e-4, zero: 0 };
  return {
    ...{ name: "b1", rack: "r1", updating: false, channels, welcome: undefined },
    calibrations: {
      of: () => ({ fast_a: scale, monitor_a: scale, voltage_v: { factor: 1.25e-3, zero: 0 } }),
      view: () => ({ source: "design", record: null }),
    },
    // Told when the recording has ended and its work begins.
    quiet: {
      record: () => () => {
        ended();
        return 0;
      },
      due: () => true,
    },
    simulated: [],
    recall: async () => undefined,
    renew: async () => undefined,
  } as unknown as Board;
}

/** A second of both rails with one window of the marker in its midst. */
function second(hub: BayHub): void {
  for (const target of ["t1", "t2"]) {
    for (let ms = 0; ms < 1000; ms += 50) hub.emit("voltage", target, ms * 1000, 5);
    const current_a = new Array(1000).fill(0.1);
    hub.emit("samples", { target, first: 0, tick_us: 1000, period_us: 1000, lost: 0, current_a });
  }
  hub.emit("marker", "t1", 1, 200_500);
  hub.emit("marker", "t1", 0, 700_500);
}

test("a long recording of two rails is computed and packed while the event loop turns", async () => {
  const hub = createHub();
  let turns = 0;
  let next: NodeJS.Immediate | undefined;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  const board = fakeBoard(() => {
    next = setImmediate(count);
  });
  const recordings = new Recordings(hub, new Cuts(), folder);
  const id = await recordings.start(board, own, ["t2"]);
  for (let first = 0; first < MINUTES * 60_000; first += ROWS) {
    const tick_us = (first + 1) * 1000;
    for (const target of ["t1", "t2"]) {
      hub.emit("voltage", target, tick_us, 5);
      hub.emit("samples", { target, first, tick_us, period_us: 1000, lost: 0, current_a: new Array(ROWS).fill(0.1) });
    }
  }
  // An edge behind the last sample: a stop waits for more, in which it is asked for again.
  hub.emit("marker", "t1", 1, MINUTES * 60_000_000);
  const stopping = recordings.stop(id);
  await expect(recordings.stop(id)).rejects.toMatchObject({ code: "unknown_recording" });
  const finished = await stopping;
  clearImmediate(next);
  // In pieces of 20 s: the trace of one rail, and windows and file of both.
  expect(turns).toBeGreaterThanOrEqual((5 * MINUTES * 60) / 20);
  expect(finished.samples).toEqual({ received: MINUTES * 60_000, lost: 0 });
  expect(finished.trace.voltage_v).toHaveLength(MINUTES * 60_000);
  const [first, other] = finished.artifacts.map(({ file }) => readRecordingFile(file));
  for (const read of [first, other]) {
    if (read === undefined || "faults" in read) throw new Error("a file cannot be read");
    expect(read.recording.result().samples).toEqual(finished.samples);
  }
});

test.each([
  ["whose disk is full", "kept"],
  ["that is a file", "no-folder"],
])(
  "samples that cannot be written into a folder %s are told and counted; the windows are answered",
  async (why, name) => {
    const at = join(folder, name);
    if (name === "no-folder") writeFileSync(at, "");
    else disk.full = true;
    const hub = createHub();
    const told: string[] = [];
    const recordings = new Recordings(hub, new Cuts(), at, (error) => told.push(error.message));
    const id = await recordings.start(fakeBoard(), own, ["t2"]);
    second(hub);
    const { windows, rails, artifacts } = await recordings.stop(id);
    expect(windows).toMatchObject([{ energy_uj: expect.any(Number), refused: null }]);
    expect(rails).toMatchObject([{ target: "t2", windows: [{ energy_uj: expect.any(Number), refused: null }] }]);
    expect(artifacts).toEqual([]);
    expect(recordings.counters.unwritten).toBe(2);
    expect(told, why).toEqual([expect.stringContaining(`${id} t1`), expect.stringContaining(`${id} t2`)]);
    for (const target of ["t1", "t2"]) expect(recordings.file(id, target)).toBeUndefined();
    if (name === "no-folder") return;
    // Nothing half written stays.
    expect(readdirSync(at)).toEqual([]);
    disk.full = false;
    const again = await recordings.start(fakeBoard(), own, []);
    second(hub);
    expect((await recordings.stop(again)).artifacts).toHaveLength(1);
    expect(readdirSync(at)).toEqual([`${again}.t1.mltb.gz`]);
  },
);

test("what a killed supervisor has left half written goes at the next start, whole files stay", () => {
  mkdirSync(folder, { recursive: true });
  for (const name of ["rec-1-1.t1.mltb.gz", "rec-1-2.t1.mltb.gz.part"]) writeFileSync(join(folder, name), "x");
  new Recordings(createHub(), new Cuts(), folder);
  expect(readdirSync(folder)).toEqual(["rec-1-1.t1.mltb.gz"]);
});

test.each(["t1", "t2"])(
  "the end of the lease of %s ends a recording of both, and nothing of it is left",
  async (target) => {
    const hub = createHub();
    const cuts = new Cuts();
    let ended = 0;
    const board = fakeBoard(() => {
      ended += 1;
    });
    const recordings = new Recordings(hub, cuts, folder);
    const id = await recordings.start(board, own, ["t2"]);
    second(hub);
    expect(cuts.cut(target, "its lease has ended")).toBe(1);
    expect([ended, hub.listenerCount("samples")]).toEqual([1, 0]);
    await expect(recordings.stop(id)).rejects.toMatchObject({ code: "unknown_recording" });
    expect(cuts.cut("t1", "again") + cuts.cut("t2", "again")).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  },
);
