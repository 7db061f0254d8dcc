import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BayTarget } from "@mltb/contract";
import { expect, test, vi } from "vitest";
import type { Board } from "../device/board.ts";
import { ChannelModel } from "../device/channel.ts";
import { createHub } from "../events.ts";
import { Cuts } from "../leases/cuts.ts";
import { readRecordingFile } from "./recording-file.ts";
import { Recordings } from "./recordings.ts";

// What other threads do at once here: every turn of the event loop is one that the recording has left to others.
vi.mock("node:zlib", async (original) => ({
  ...(await original<typeof import("node:zlib")>()),
  gzip: (bytes: Buffer, done: (error: null, packed: Buffer) => void) => done(null, gzipSync(bytes)),
}));
vi.mock("node:fs/promises", () => ({
  writeFile: async (...file: Parameters<typeof writeFileSync>) => writeFileSync(...file),
}));

const MINUTES = 5;
const ROWS = 1000;

test("a long recording of two rails is computed and packed while the event loop turns", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-long-"));
  const hub = createHub();
  const channels = [1, 2].map((n) => new ChannelModel("r1", { target: `t${n}`, channel: n } as BayTarget));
  const scale = { factor: 1e-4, zero: 0 };
  let turns = 0;
  let next: NodeJS.Immediate | undefined;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  const board = {
    ...{ name: "b1", rack: "r1", updating: false, channels, welcome: undefined },
    calibrations: {
      of: () => ({ fast_a: scale, monitor_a: scale, voltage_v: { factor: 1.25e-3, zero: 0 } }),
      view: () => ({ source: "design", record: null }),
    },
    // Told when the recording has ended and its work begins.
    quiet: {
      record: () => () => {
        next = setImmediate(count);
      },
    },
    simulated: [],
    recall: async () => undefined,
    renew: async () => undefined,
  } as unknown as Board;
  const recordings = new Recordings(hub, new Cuts(), folder);
  const id = await recordings.start(board, channels[0] as ChannelModel, ["t2"]);
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
  const [own, other] = finished.artifacts.map(({ file }) => readRecordingFile(file));
  for (const read of [own, other]) {
    if (read === undefined || "faults" in read) throw new Error("a file cannot be read");
    expect(read.recording.result().samples).toEqual(finished.samples);
  }
  rmSync(folder, { recursive: true });
});
