import { afterEach, expect, test } from "vitest";
import { HOLD_GRACE_MS } from "../src/leases/leases.ts";
import { LeaseRows } from "../src/leases/rows.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

async function leased(): Promise<string> {
  bay = await virtualCommands("off");
  const request = {
    ...{ targets: [bay.targets[0] as string], holder: "ada", user: "ada" },
    ...{ ttl_ms: 600_000, priority: 0, hold: false, experiment: false },
  };
  const lease = await bay.state.leases.acquire(bay.caller("ada"), request, 0, new AbortController().signal);
  if ("status" in lease) throw new Error(lease.message);
  return lease.id;
}

test("a lease that was bound to a connection after it was given ends when that does not come back after a restart", async () => {
  const id = await leased();
  bay.state.leases.bind(bay.caller("ada"), id);
  bay.reopen();
  expect(bay.state.leases.view(id).hold).toBe(true);
  await bay.time.run(HOLD_GRACE_MS - 100);
  expect(bay.state.leases.list()).toHaveLength(1);
  await bay.time.run(200);
  expect(bay.state.leases.list()).toEqual([]);
});

test("a connection that comes back in time keeps it", async () => {
  const id = await leased();
  bay.state.leases.bind(bay.caller("ada"), id);
  bay.reopen();
  const closed = bay.state.leases.bind(bay.caller("ada"), id);
  await bay.time.run(HOLD_GRACE_MS + 100);
  expect(bay.state.leases.list()).toHaveLength(1);
  closed();
  expect(bay.state.leases.list()).toEqual([]);
});

test("nobody binds another's lease, whose end would then be theirs to bring about", async () => {
  const id = await leased();
  expect(() => bay.state.leases.bind(bay.caller("bob"), id)).toThrow("belongs to ada");
  expect(bay.state.leases.view(id).hold).toBe(false);
});

test("what is owed to a target that the bay file no longer has waits, and ends nothing", async () => {
  const id = await leased();
  const rows = new LeaseRows(bay.state.database);
  const stored = rows.open().find(({ lease }) => lease.id === id);
  if (stored === undefined) throw new Error("it is not stored");
  const lease = { ...stored.lease, granted_ms: stored.granted_ms, expires_ms: stored.expires_ms };
  rows.end(lease, "expired", Date.now(), [{ target: "gone", policy: "off" }]);
  bay.reopen();
  await bay.time.run(1000);
  expect(bay.state.policies.pending()).toEqual(["gone"]);
});

test("a target that a reload takes away: who waits for it is told, and a lease that still names it ends like any other", async () => {
  await leased();
  const { leases } = bay.state;
  const request = {
    ...{ holder: "bob", user: "bob", ttl_ms: 500, priority: 0, hold: false, experiment: false },
    targets: [bay.targets[0] as string, "gone"],
  };
  const acquire = (targets: string[], wait_ms: number) =>
    leases.acquire(bay.caller("bob"), { ...request, targets }, wait_ms, new AbortController().signal);
  const waiting = acquire(request.targets, 60_000).catch((error: Error) => error.message);
  const other = acquire([bay.targets[0] as string], 60_000);
  leases.reloaded((target) => bay.targets.includes(target));
  expect(await waiting).toBe("there is no target gone any more");
  expect(leases.waiting()).toHaveLength(1);
  // One that was granted just before.
  const lease = await acquire(["gone"], 0);
  if ("status" in lease) throw new Error(lease.message);
  await bay.time.until(() => !leases.list().some(({ id }) => id === lease.id), 2000);
  expect(leases.counters.ended["expired"]).toBe(1);
  void other;
});
