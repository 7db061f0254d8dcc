import { buildBundle } from "@mltb/firmware";
import { afterEach, expect, test } from "vitest";
import { updateFirmware } from "../src/device/firmware.ts";
import type { LeaseRequest } from "../src/leases/table.ts";
import type { VirtualBoard } from "./virtual.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

const done = { status: "done" };

/** A lease, or the refusal as text. */
async function acquire(user: string, targets: string[], wait_ms = 0, more: Partial<LeaseRequest> = {}) {
  const request = { targets, holder: user, user, ttl_ms: 60_000, priority: 0, hold: false, experiment: false, ...more };
  const { signal } = new AbortController();
  const lease = await bay.ended(bay.state.leases.acquire(bay.caller(user), request, wait_ms, signal), wait_ms + 10_000);
  return "status" in lease ? { id: "", refused: lease.code } : { id: lease.id, refused: "" };
}
const release = (user: string, id: string) => bay.state.leases.release(bay.caller(user, { role: "admin" }), id);

test("labgrid: while one exporter hangs an acquire of another's place waits 9.5 s: leases and commands of other boards take no longer at any moment of a hang", async () => {
  bay = await virtualCommands("off", {}, 2);
  const [hung] = bay.time.boards as [VirtualBoard];
  const [stuck, owed, free] = [bay.targets[0], bay.targets[1], bay.targets[8]] as [string, string, string];
  /** A lease, a command under it and its end; how long each took. */
  const turn = async (): Promise<number[]> => {
    const times = [bay.time.now()];
    const lease = await acquire("ada", [free]);
    expect(lease.refused).toBe("");
    times.push(bay.time.now());
    expect(await bay.ended(bay.power(free, { state: "on" }, "ada", { lease: lease.id }))).toMatchObject(done);
    times.push(bay.time.now());
    await bay.ended(release("ada", lease.id));
    expect(bay.rail(free).switchOn).toBe(false);
    times.push(bay.time.now());
    return times.slice(1).map((at, n) => at - (times[n] as number));
  };
  const mine = await acquire("bob", [owed]);
  expect(await bay.ended(bay.power(owed, { state: "on" }, "bob", { lease: mine.id }))).toMatchObject(done);
  const before = await turn();
  for (const begin_ms of [0, 100, 500, 1500]) {
    const other = await acquire("carl", [stuck]);
    expect(await bay.ended(bay.power(stuck, { state: "on" }, "carl", { lease: other.id }))).toMatchObject(done);
    bay.time.standing.add(hung);
    await bay.time.run(begin_ms);
    // Where it hangs a command and the end of a lease are under way meanwhile.
    void bay.power(owed, { state: "off" }, "bob", { lease: mine.id });
    const ends = release("carl", other.id);
    const during = await turn();
    for (const [n, ms] of during.entries()) expect(ms - (before[n] as number)).toBeLessThanOrEqual(10);
    expect(bay.state.leases.list().map(({ targets }) => targets)).toContainEqual([owed]);
    bay.time.standing.clear();
    await bay.ended(ends);
    await bay.time.until(() => bay.state.policies.pending().length === 0 && !bay.rail(stuck).switchOn, 5000);
  }
});

test("labgrid#1253 a kick leaves the reservation, so that nobody else gets the place: after a kick it is whoever's turn it is, and the old id counts no more", async () => {
  bay = await virtualCommands("off");
  const target = bay.targets[0] as string;
  const ada = await acquire("ada", [target]);
  expect(await bay.ended(bay.power(target, { state: "on" }, "ada", { lease: ada.id }))).toMatchObject(done);
  expect((await acquire("bob", [target])).refused).toBe("leased");
  await bay.ended(release("admin", ada.id));
  expect(bay.rail(target).switchOn).toBe(false);
  const bob = await acquire("bob", [target]);
  expect(bob.refused).toBe("");
  expect(await bay.ended(bay.power(target, { state: "on" }, "ada", { lease: ada.id }))).toMatchObject({
    status: "refused",
    code: "lease_ended",
  });
  expect(await bay.ended(bay.power(target, { state: "on" }, "bob", { lease: bob.id }))).toMatchObject(done);
  expect((await acquire("ada", [target])).refused).toBe("leased");
});

test("labgrid#908 a release that fails half way leaves one resource of the place acquired: with one of two boards away both targets are free, and what is owed is made good", async () => {
  bay = await virtualCommands("off", {}, 2);
  const [away] = bay.time.boards as [VirtualBoard];
  const both = [bay.targets[0], bay.targets[8]] as [string, string];
  for (const how of ["cut", "hung"]) {
    const ada = await acquire("ada", both);
    for (const target of both) {
      expect(await bay.ended(bay.power(target, { state: "on" }, "ada", { lease: ada.id }))).toMatchObject(done);
    }
    if (how === "cut") away.rack.cutLink();
    else bay.time.standing.add(away);
    const ended = release("ada", ada.id);
    // The one whose board is there is off and somebody else's at once, the other as soon as nothing can be done there.
    const there = await acquire("bob", [both[1]], 500);
    expect([there.refused, bay.rail(both[1]).switchOn]).toEqual(["", false]);
    const other = await acquire("bob", [both[0]], 5000);
    expect(other.refused).toBe("");
    await bay.ended(ended);
    expect(bay.state.policies.pending()).toEqual([both[0]]);
    away.rack.restoreLink();
    bay.time.standing.clear();
    await bay.time.until(() => !bay.rail(both[0]).switchOn, 5000);
    await bay.time.until(() => bay.state.policies.pending().length === 0, 2000);
    for (const { id } of [there, other]) await bay.ended(release("bob", id));
    expect(bay.state.leases.list()).toEqual([]);
  }
});

test("labgrid#502 what was acquired before a restart is not offered after it: leased targets are there with their leases after a restart, while their board is still away", async () => {
  bay = await virtualCommands("off");
  const target = bay.targets[0] as string;
  const ada = await acquire("ada", [target]);
  expect(await bay.ended(bay.power(target, { state: "on" }, "ada", { lease: ada.id }))).toMatchObject(done);
  bay.rack.cutLink();
  bay.reopen();
  expect(bay.state.leases.of(target)).toMatchObject({ id: ada.id, holder: "ada" });
  bay.rack.restoreLink();
  await bay.time.until(() => bay.board.link.lifecycle === "ready", 3000);
  await bay.time.run(50);
  expect(bay.rail(target).switchOn).toBe(true);
  const cycled = await bay.ended(bay.power(target, { state: "cycle", off_ms: 20 }, "ada", { lease: ada.id }));
  expect(cycled).toMatchObject(done);
});

test("jumpstarter#235 a lease that ends at the boundary of its hooks: whenever it runs out around its cycle, the command has an answer, the target ends off and is the next one's", async () => {
  bay = await virtualCommands("off");
  const target = bay.targets[0] as string;
  const answers = new Set<string>();
  for (let ttl_ms = 1; ttl_ms <= 260; ttl_ms += 7) {
    const ada = await acquire("ada", [target], 0, { ttl_ms: 10_000 });
    expect(await bay.ended(bay.power(target, { state: "on" }, "ada", { lease: ada.id }))).toMatchObject(done);
    bay.state.leases.renew(bay.caller("ada"), ada.id, ttl_ms);
    await bay.time.run(80);
    const cycle = bay.power(target, { state: "cycle", off_ms: 60 }, "ada", { lease: ada.id });
    const next = await acquire("bob", [target], 5000);
    expect(next.refused).toBe("");
    expect([bay.rail(target).switchOn, bay.commands.find(target).channel.power]).toEqual([false, "off"]);
    const result = await bay.ended(cycle);
    answers.add(result.status === "done" ? "done" : result.code);
    await bay.ended(release("bob", next.id));
    expect([bay.state.leases.list(), bay.state.policies.pending()]).toEqual([[], []]);
  }
  // Before its end the command ran, after it it was refused; there is no third way.
  expect([...answers].sort()).toEqual(["done", "lease_ended"]);
});

test("jumpstarter#888 an aborted flash leaves the board taken across leases: after an update that the cable broke off the next holder switches at once, measures and updates", async () => {
  bay = await virtualCommands("off");
  const { board, rack, time } = bay;
  const target = bay.targets[0] as string;
  board.updating = false;
  let rows = 0;
  time.hub.on("samples", (block) => {
    if (block.target === target) rows += block.current_a.length;
  });
  const bundle = Buffer.from(`${(await buildBundle("monitoring")).source}\n-- another one\n`);
  for (const after_ms of [5, 60, 200]) {
    const ada = await acquire("ada", [target]);
    const update = updateFirmware(board, bundle).then(
      () => "done",
      (error: { code: string }) => error.code,
    );
    await time.run(after_ms);
    expect(board.updating).toBe(true);
    rack.cutLink();
    expect(await bay.ended(update)).toBe("board_lost");
    const ended = release("ada", ada.id);
    rack.restoreLink();
    await bay.ended(ended);
    await time.until(() => board.link.lifecycle === "ready", 3000);
    const bob = await acquire("bob", [target]);
    expect(bob.refused).toBe("");
    expect(await bay.ended(bay.power(target, { state: "on" }, "bob", { lease: bob.id }))).toMatchObject(done);
    // The board gives a transfer up that stands still for three seconds; streams are asked for once in a second.
    rows = 0;
    await time.until(() => rows > 500, 5000);
    await bay.ended(release("bob", bob.id));
  }
  expect(await bay.ended(updateFirmware(board, bundle), 30_000)).toMatchObject({ changed: true, state: "confirmed" });
});
