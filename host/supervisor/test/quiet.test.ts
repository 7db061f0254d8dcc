import { afterEach, expect, test, vi } from "vitest";
import type { LeaseView } from "../src/leases/leases.ts";
import { decodeTrace } from "../src/trace/decode.ts";
import { type VirtualBay, type VirtualBoard, virtualBay } from "./virtual.ts";

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
