import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { random, type SimulatedRack } from "@mltb/simulators";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Recordings } from "../src/energy/recordings.ts";
import { Cuts } from "../src/leases/cuts.ts";
import type { ByteTransport } from "../src/link/transport.ts";
import type { VirtualBoard } from "./virtual.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-peer-"));
});
afterEach(async () => {
  await bay.stop();
  rmSync(folder, { recursive: true });
});

interface Bench {
  target: string;
  recordings: Recordings;
  start(): Promise<string>;
  edge(level: 0 | 1): void;
  truth_uj(): number;
}

/** A target that is on and measured, over a wire that may do something to what the board sends. */
async function bench(transport?: (rack: SimulatedRack) => ByteTransport): Promise<Bench> {
  bay = await virtualCommands("keep", transport === undefined ? {} : { transport });
  const target = bay.targets[0] as string;
  bay.board.updating = false;
  expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject({ status: "done" });
  const recordings = new Recordings(bay.time.hub, new Cuts(), folder);
  const { channel } = bay.commands.find(target);
  const { electronics } = bay.rack;
  return {
    target,
    recordings,
    start: () => bay.ended(recordings.start(bay.board, channel, [])),
    edge: (level) => electronics.marker(1, level, electronics.now_us()),
    truth_uj: () => bay.rail(target).energy_j * 1e6,
  };
}

/** What the board sends passes `wire`, which hands it on when it likes. */
const behind =
  (wire: (chunk: Uint8Array, deliver: (chunk: Uint8Array) => void) => void) =>
  (rack: SimulatedRack): ByteTransport => ({
    ...rack.transport,
    open: ({ onBytes, onClose }) =>
      rack.transport.open({ onBytes: (chunk) => wire(Buffer.from(chunk), onBytes), onClose }),
  });

test("ppk2-api-python#13 stop hangs: a recording whose board hangs or is gone is stopped all the same, with what had come, and the next one begins", async () => {
  const { recordings, start, edge } = await bench();
  for (const how of ["hung", "cut"]) {
    const id = await start();
    await bay.time.run(500);
    // No sample comes behind this edge.
    edge(1);
    await bay.time.run(5);
    if (how === "hung") bay.time.standing.add(bay.time.boards[0] as VirtualBoard);
    else bay.rack.cutLink();
    await bay.time.run(10);
    const finished = await bay.ended(recordings.stop(id), 1000);
    expect(finished.samples.received).toBeGreaterThan(450);
    expect(finished.simulated).toEqual(["rail", "board", "marker"]);
    // Half a window is none.
    expect(finished.windows).toEqual([]);
    bay.time.standing.clear();
    bay.rack.restoreLink();
    await bay.time.until(() => bay.board.link.session.port.open, 3000);
    edge(0);
    await bay.time.run(1500);
    expect(bay.board.quiet.recordings).toBe(0);
  }
});

test("PowerSensor3: energy is summed over the times at which the host got the samples: a wire that holds them up by up to 200 ms changes no digit of a window's energy that matters", async () => {
  const source = random(5);
  let due_ms = 0;
  const { recordings, start, edge, target, truth_uj } = await bench(
    behind((chunk, deliver) => {
      due_ms = Math.max(due_ms, performance.now() + 200 * source.uniform() ** 3);
      setTimeout(() => deliver(chunk), due_ms - performance.now());
    }),
  );
  const id = await start();
  await bay.time.run(400);
  edge(1);
  const before = truth_uj();
  for (let n = 0; n < 8; n += 1) {
    // A load that comes and goes, so that a sample's place in time counts.
    bay.rail(target).extra_a = n % 2 === 0 ? 0.8 : 0;
    await bay.time.run(50 + 10 * n);
  }
  edge(0);
  const energy_uj = truth_uj() - before;
  await bay.time.run(400);
  const { windows, samples } = await bay.ended(recordings.stop(id));
  expect([windows.length, samples.lost, windows[0]?.refused]).toEqual([1, 0, null]);
  const [window] = windows as [(typeof windows)[0]];
  const standard_uj = Math.hypot(...window.terms.map((term) => term.standard_uj));
  expect(Math.abs((window.energy_uj ?? 0) - energy_uj)).toBeLessThan(4 * standard_uj);
  expect(4 * standard_uj).toBeLessThan(0.02 * energy_uj);
});

test("energyrunner#24 samples that come twice stretch the time and lower the energy: blocks that a wire repeats are counted once, in the energy of a window and of the target", async () => {
  let repeats = false;
  let repeated = 0;
  let n = 0;
  const { recordings, start, edge, target, truth_uj } = await bench(
    behind((chunk, deliver) => {
      deliver(chunk);
      n += 1;
      if (!repeats || n % 3 > 0) return;
      repeated += 1;
      deliver(chunk);
    }),
  );
  const { channel } = bay.commands.find(target);
  const voltages: number[] = [];
  bay.time.hub.on("voltage", (name, tick_us) => name === target && voltages.push(tick_us));
  const id = await start();
  await bay.time.run(300);
  repeats = true;
  edge(1);
  const before = truth_uj();
  const counted = channel.energy_j;
  await bay.time.run(600);
  edge(0);
  const energy_uj = truth_uj() - before;
  const told_uj = (channel.energy_j - counted) * 1e6;
  await bay.time.run(300);
  const { windows, samples } = await bay.ended(recordings.stop(id));
  expect(repeated).toBeGreaterThan(10);
  expect(bay.board.measure.repeatedSweeps).toBeGreaterThan(3);
  expect(voltages).toEqual([...new Set(voltages)].sort((a, b) => a - b));
  expect([windows.length, samples.lost, windows[0]?.refused]).toEqual([1, 0, null]);
  expect(Math.abs((windows[0]?.energy_uj ?? 0) / energy_uj - 1)).toBeLessThan(0.02);
  expect(Math.abs(told_uj / energy_uj - 1)).toBeLessThan(0.05);
});

test("atlas#1197 an energy sample that did not cover its run: a recording that begins or ends inside a run tells no energy for it, and for the whole one beside it does", async () => {
  const { recordings, start, edge, truth_uj } = await bench();
  edge(1);
  await bay.time.run(200);
  const id = await start();
  await bay.time.run(200);
  edge(0);
  await bay.time.run(100);
  edge(1);
  const before = truth_uj();
  await bay.time.run(300);
  edge(0);
  const energy_uj = truth_uj() - before;
  await bay.time.run(100);
  edge(1);
  await bay.time.run(200);
  const { windows } = await bay.ended(recordings.stop(id));
  expect(windows).toHaveLength(1);
  expect(windows[0]?.duration_us).toBeCloseTo(300_000, -4);
  expect(Math.abs((windows[0]?.energy_uj ?? 0) / energy_uj - 1)).toBeLessThan(0.02);
});

test("jumpstarter: a meter that only speaks when its value changes cannot be told from a dead one: a rail at rest is read on, and one whose monitor is dead is told", async () => {
  const { target } = await bench();
  const silent = bay.targets[1] as string;
  const seen = new Map<string, number>();
  bay.time.hub.on("voltage", (name) => seen.set(name, (seen.get(name) ?? 0) + 1));
  bay.time.hub.on("samples", ({ target: name, current_a }) =>
    seen.set(`${name} rows`, (seen.get(`${name} rows`) ?? 0) + current_a.length),
  );
  await bay.time.run(2000);
  // Nothing changes on a channel that is off.
  expect(seen.get(`${silent} rows`)).toBeGreaterThan(1900);
  expect(seen.get(silent)).toBe(seen.get(target));
  expect(seen.get(silent)).toBeGreaterThan(20);
  bay.rack.electronics.breakChannel(0, "sensor-dead");
  await bay.time.until(() => bay.commands.find(target).channel.power === "fault", 1000);
  await bay.time.run(200);
  seen.clear();
  await bay.time.run(500);
  expect(seen.get(target)).toBeUndefined();
  expect(seen.get(silent)).toBeGreaterThan(5);
});
