import type { Bay, BayTarget } from "@mltb/contract";
import { afterEach, expect, test } from "vitest";
import { Board } from "../src/device/board.ts";
import { TargetConsole } from "../src/features/console.ts";
import type { LeaseView } from "../src/leases/leases.ts";
import { type ReloadParts, reloadBay } from "../src/reload.ts";
import type { VirtualBoard } from "./virtual.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
const made: Board[] = [];
afterEach(async () => {
  for (const board of made.splice(0)) await board.stop();
  await bay.stop();
});

/** Two racks, and what a reload of them needs. */
async function twoRacks(): Promise<ReloadParts> {
  bay = await virtualCommands("off", {}, 2);
  // The helper rests the streams by this.
  for (const board of bay.boards) board.updating = false;
  const { hub } = bay.time;
  return {
    bay: bay.bay,
    boards: bay.boards,
    consoles: new Map(),
    commands: bay.commands,
    hub,
    makeBoard: (rack) => {
      const of = bay.time.boards.find(({ board }) => board.rack === rack.rack) as VirtualBoard;
      const board = new Board(rack, of.rack.transport, hub, 8);
      made.push(board);
      return board;
    },
    makeConsole: (target: BayTarget) => new TargetConsole(target, undefined, hub, "/nowhere"),
    leaseOf: (target) => bay.state.leases.of(target),
    clear: () => undefined,
  };
}

/** The bay file with other rules for some racks. */
const changed = (...racks: string[]): Bay => ({
  ...bay.bay,
  racks: bay.bay.racks.map((rack) => (racks.includes(rack.rack) ? { ...rack, stagger_ms: 5 } : rack)),
});

/** Holds the end of a rack's board up; what it gives lets it end. */
function held(rack: string): () => void {
  const board = bay.boards.find((entry) => entry.rack === rack) as Board;
  const stop = board.stop.bind(board);
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  board.stop = async () => {
    await gate;
    await stop();
  };
  return go;
}

const acquire = (user: string, targets: string[], wait_ms = 0) =>
  bay.state.leases.acquire(
    bay.caller(user),
    { targets, holder: user, user, ttl_ms: 600_000, priority: 0, hold: false, experiment: false },
    wait_ms,
    new AbortController().signal,
  );

test("while one rack of a reload is being stopped, a target of the next one cannot be had any more", async () => {
  const parts = await twoRacks();
  const go = held("r1");
  const reloading = reloadBay(parts, changed("r1", "r2"));
  expect(() => bay.commands.find("r2-t1")).toThrow("there is no target r2-t1");
  expect(await bay.power("r2-t1", { state: "on" })).toMatchObject({ status: "refused", code: "unknown_target" });
  go();
  expect(await bay.ended(reloading)).toMatchObject({ changed: ["r1", "r2"] });
  expect(bay.commands.find("r2-t1").board).toBe(made[1]);
});

test("who waited for a target of a rack that is exchanged and of another one, and has them meanwhile, is shown as its holder", async () => {
  const parts = await twoRacks();
  const first = (await acquire("ada", ["r2-t1"])) as LeaseView;
  const both = acquire("bob", ["r1-t1", "r2-t1"], 60_000);
  const go = held("r1");
  const reloading = reloadBay(parts, changed("r1"));
  const shown: (string | undefined)[] = [];
  bay.time.hub.onLease("r1-t1", (_target, lease) => shown.push(lease?.holder));
  await bay.ended(bay.state.leases.release(bay.caller("ada"), first.id));
  const lease = (await bay.ended(both)) as LeaseView;
  go();
  await bay.ended(reloading);
  expect(bay.commands.find("r1-t1").channel.lease).toMatchObject({ id: lease.id, holder: "bob" });
  expect(shown.at(-1)).toBe("bob");
});
