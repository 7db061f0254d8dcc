import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { type Caller, policyCaller } from "../src/call.ts";
import { Commands } from "../src/commands.ts";
import type { ChannelModel } from "../src/device/channel.ts";
import { stopStreams } from "../src/device/rest.ts";
import { Recordings } from "../src/energy/recordings.ts";
import { Cuts } from "../src/leases/cuts.ts";
import type { LeaseView } from "../src/leases/leases.ts";
import { decodeTrace } from "../src/trace/decode.ts";
import { type VirtualBay, type VirtualBoard, virtualBay } from "./virtual.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-quiet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let bay: VirtualBay | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
  vi.useRealTimers();
});

/** Requests that went to the board after a moment, by name. */
function requestsSince({ board }: VirtualBoard, since_ms: number): string[] {
  const pieces = board.link.ring.list().filter((piece) => piece.direction === "tx" && piece.at_ms >= since_ms);
  const names: string[] = [];
  for (const frame of decodeTrace({ header: { dropped_bytes: 0 } as never, pieces })) {
    if (!("kind" in frame)) throw new Error("what the supervisor sent is no frame");
    if (frame.kind === "request") names.push(frame.name);
  }
  return names;
}

test("a board sees no request between the edges of a window, its streams run on, and afterwards it is asked again", async () => {
  bay = await virtualBay(1, undefined, 1);
  const one = bay.boards[0] as VirtualBoard;
  const { board, rack } = one;
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  let rows = 0;
  bay.hub.on("samples", (block) => (rows += block.current_a.length));
  const edges: number[] = [];
  bay.hub.on("marker", (_, level) => edges.push(level));

  // The polls that windows are kept free of are there outside of recordings.
  let since = performance.now();
  await bay.run(3100);
  expect(requestsSince(one, since).filter((name) => name === "stream_open").length).toBeGreaterThanOrEqual(4);

  const ended = board.quiet.record(1);
  const opened = board.renew();
  await bay.run(100);
  await opened;
  let asked = 0;
  for (let window = 0; window < 3; window += 1) {
    rack.electronics.marker(1, 1, rack.electronics.now_us());
    await bay.until(() => edges.at(-1) === 1, 200);
    since = performance.now();
    rows = 0;
    await bay.run(6000);
    asked += requestsSince(one, since).length;
    expect(rows).toBeGreaterThan(5900);
    rack.electronics.marker(1, 0, rack.electronics.now_us());
    await bay.until(() => edges.at(-1) === 0, 200);
    await bay.run(100);
  }
  expect(asked).toBe(0);
  expect(board.quiet.inside).toBe(0);
  ended();
  since = performance.now();
  await bay.run(1100);
  expect(requestsSince(one, since)).toContain("counters_get");
}, 300_000);

test("a lease that is given while a target is recorded reaches the panel behind the open window, or with the next renewal where no marker tells of windows", async () => {
  bay = await virtualBay(1, undefined, 2);
  const { hub } = bay;
  const one = bay.boards[0] as VirtualBoard;
  const { board, rack } = one;
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  let level = 0;
  hub.on("marker", (_, seen) => (level = seen));
  const lease = (holder: string) =>
    hub.emit("lease", "r1-t2", {
      holder,
      expires_at: new Date(Date.now() + 600_000).toISOString(),
    } as LeaseView);
  const told = (since: number) => requestsSince(one, since).filter((name) => name === "panel_lease").length;

  const renewed = async (): Promise<void> => {
    const opened = board.renew();
    await bay?.run(100);
    await opened;
  };

  let ended = board.quiet.record(1);
  await renewed();
  rack.electronics.marker(1, 1, rack.electronics.now_us());
  await bay.until(() => level === 1, 200);
  let since = performance.now();
  lease("ann");
  await bay.run(3000);
  expect(told(since)).toBe(0);
  rack.electronics.marker(1, 0, rack.electronics.now_us());
  await bay.until(() => level === 0, 200);
  await bay.until(() => told(since) === 1, 200);
  ended();

  // No marker tells of this recording's windows.
  ended = board.quiet.record(1);
  await renewed();
  since = performance.now();
  lease("bob");
  await bay.run(20_000);
  expect(told(since)).toBe(0);
  await bay.until(() => told(since) === 1, 15_000);
  ended();
}, 300_000);

test("beside an open window another target of the rack is switched on, recorded and switched off: its recording asks nothing of the board, and commands and presses are counted by the window that sees them", async () => {
  const time = await virtualBay(1, undefined, 2);
  bay = time;
  const one = time.boards[0] as VirtualBoard;
  const { board, rack } = one;
  await time.until(() => board.link.lifecycle === "ready", 1000);
  const commands = new Commands([board]);
  await time.until(() => commands.targets().every(({ power }) => power === "off"), 5000);
  const recordings = new Recordings(time.hub, new Cuts(), folder);
  const [first, second] = board.channels as [ChannelModel, ChannelModel];
  let level = 0;
  let rows = 0;
  time.hub.on("marker", (_, seen) => (level = seen));
  time.hub.on("samples", ({ target, current_a }) => (rows += target === first.name ? current_a.length : 0));
  const edge = async (to: 0 | 1): Promise<void> => {
    rack.electronics.marker(1, to, rack.electronics.now_us());
    await time.until(() => level === to, 200);
  };
  const ended = async <T>(running: Promise<T>): Promise<T> => {
    let over = false;
    const seen = (): void => {
      over = true;
    };
    running.then(seen, seen);
    await time.until(() => over, 5000);
    return running;
  };
  const person: Caller = { ...policyCaller("test"), source: "api", user: "ann" };
  const power = async (state: "on" | "off"): Promise<string> =>
    (await ended(commands.run(person, "target", second.name, "power", { state }))).status;

  const mine = await ended(recordings.start(board, first, []));
  await time.run(200);
  // Between windows neither: streams that are open for long need no further request.
  let since = performance.now();
  recordings.discard(await ended(recordings.start(board, second, [])));
  await time.run(200);
  expect(requestsSince(one, since)).toEqual([]);

  await edge(1);
  since = performance.now();
  rows = 0;
  expect(await power("on")).toBe("done");
  expect(requestsSince(one, since)).toEqual(["power_set", "channel_get"]);
  // What the board has not told yet waits too.
  board.calibrations.welcomed();
  const theirs = await ended(recordings.start(board, second, []));
  await time.run(2000);
  const { requests_inside } = await ended(recordings.stop(theirs));
  expect(await power("off")).toBe("done");
  await time.run(500);
  expect(requestsSince(one, since)).toEqual(["power_set", "channel_get", "power_set", "channel_get"]);
  let pressed = 0;
  time.hub.on("button", () => (pressed += 1));
  rack.press("down", 100);
  await time.until(() => pressed === 1, 1000);
  const took_ms = performance.now() - since;
  expect(rows).toBeGreaterThan(took_ms - 100);
  await edge(0);
  await time.run(200);

  // Nobody's window sees these.
  expect([await power("on"), await power("off")]).toEqual(["done", "done"]);
  const finished = await ended(recordings.stop(mine));
  expect(finished.windows.map(({ refused }) => refused)).toEqual([null]);
  expect(requests_inside).toBe(0);
  expect([finished.requests_inside, board.quiet.inside]).toEqual([5, 5]);
}, 300_000);

test("a renewal that a window opens upon opens the streams and leaves the counters for later", async () => {
  bay = await virtualBay(1, undefined, 1);
  const one = bay.boards[0] as VirtualBoard;
  const { board } = one;
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  await bay.run(1100);
  const ended = board.quiet.record(1);
  const since = performance.now();
  const opened = board.renew();
  await bay.until(() => requestsSince(one, since).length > 0, 100);
  board.quiet.edge(1, 1);
  await bay.run(100);
  await opened;
  expect(requestsSince(one, since)).toEqual(["stream_open", "stream_open"]);
  expect(ended()).toBe(1);
}, 300_000);

test("a recording that begins just after something was written to the board opens its streams, though they were open for long before", async () => {
  const time = await virtualBay(1, undefined, 1);
  bay = time;
  const { board } = time.boards[0] as VirtualBoard;
  await time.until(() => board.link.lifecycle === "ready", 1000);
  const [channel] = board.channels as [ChannelModel];
  const recordings = new Recordings(time.hub, new Cuts(), folder);
  let over = false;
  const steps = async (): Promise<void> => {
    recordings.discard(await recordings.start(board, channel, []));
    // As an update begins that then fails.
    board.updating = true;
    await stopStreams(board.link);
    board.updating = false;
    await recordings.start(board, channel, []);
    over = true;
  };
  const running = steps();
  await time.until(() => over, 5000);
  await running;
  let rows = 0;
  time.hub.on("samples", ({ current_a }) => (rows += current_a.length));
  await time.run(500);
  expect(rows).toBeGreaterThan(400);
}, 300_000);
