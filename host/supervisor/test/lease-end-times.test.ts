import { afterEach, expect, test } from "vitest";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

/** The end of a lease brings its targets to their policies and cuts what is open there within this time. */
const WITHIN_MS = 1000;
const OFF_V = 0.6;

let bay: VirtualCommands;
afterEach(() => bay.stop());

async function lease(ttl_ms: number, hold = false): Promise<string> {
  const { targets } = bay;
  const request = { targets, holder: "ada", user: "ada", ttl_ms, priority: 0, hold, experiment: false };
  const got = await bay.ended(bay.state.leases.acquire(bay.caller("ada"), request, 0, new AbortController().signal));
  if ("status" in got) throw new Error(got.message);
  return got.id;
}

/** When something that is open on each target, such as a console, was cut. */
function open(): Map<string, number> {
  const cut = new Map<string, number>();
  for (const target of bay.targets) bay.state.cuts.add(target, () => cut.set(target, bay.time.now()));
  return cut;
}

async function switchOn(id: string): Promise<void> {
  const running = bay.targets.map((target) => bay.power(target, { state: "on" }, "ada", { lease: id }));
  for (const result of await bay.ended(Promise.all(running))) expect(result.status).toBe("done");
}
const lit = (): string[] => bay.targets.filter((target) => bay.rail(target).switchOn);
/** Whether every target is off, for the bay and for its rail. */
const dark = (): boolean =>
  bay.targets.every((target) => {
    const { switchOn: closed, voltage_v } = bay.rail(target);
    return !closed && voltage_v < OFF_V && bay.commands.find(target).channel.power === "off";
  });

/** How a lease ends, and what brings that about; expiry comes by itself. */
const ends: Record<string, { ttl_ms?: number; hold?: boolean; end?: (id: string, close: () => void) => unknown }> = {
  expiry: { ttl_ms: 3000 },
  release: { end: (id) => bay.state.leases.release(bay.caller("ada"), id) },
  "an admin's kick": { end: (id) => bay.state.leases.release(bay.caller("root", { role: "admin" }), id) },
  "the closing of the connection that holds it": { hold: true, end: (_id, close) => close() },
};

test.each(Object.entries(ends))("off and cut within 1 s of %s, on all eight targets of a board", async (_how, how) => {
  bay = await virtualCommands("off");
  const { ttl_ms = 600_000, hold = false, end } = how;
  const granted_ms = bay.time.now();
  const id = await lease(ttl_ms, hold);
  const close = hold ? bay.state.leases.bind(bay.caller("ada"), id) : () => undefined;
  await switchOn(id);
  const cut = open();
  await bay.time.run(end === undefined ? granted_ms + ttl_ms - 1 - bay.time.now() : 100);
  expect([lit().length, cut.size]).toEqual([8, 0]);
  const ended_ms = end === undefined ? granted_ms + ttl_ms : bay.time.now();
  void end?.(id, close);
  await bay.time.until(() => dark() && cut.size === 8 && bay.state.policies.pending().length === 0, 5000);
  expect(bay.time.now() - ended_ms).toBeLessThanOrEqual(WITHIN_MS);
});

test("a switch that does not open at a lease's end is tried again after longer and longer pauses, until it does", async () => {
  bay = await virtualCommands("off");
  const [target] = bay.targets as [string];
  const id = await lease(600_000);
  await switchOn(id);
  const before = (bay.sent.get(1) ?? []).length;
  const tries = (): number => (bay.sent.get(1) ?? []).length - before;
  bay.rack.electronics.breakChannel(0, "stuck-on");
  void bay.state.leases.release(bay.caller("ada"), id);
  await bay.time.run(60_000);
  // Pauses of 0.25, 0.5, 1, 2, 4, 8 and 16 s come to 32 s; at an even 0.25 s there would be some sixty tries.
  expect(tries()).toBeGreaterThan(5);
  expect(tries()).toBeLessThan(12);
  expect(bay.state.policies.pending()).toEqual([target]);
  expect(bay.state.audit.read({ target, limit: 1000 }).length).toBeLessThan(40);
  bay.rack.electronics.breakChannel(0, "none");
  await bay.time.until(() => dark() && bay.state.policies.pending().length === 0, 40_000);
});

test("in a cycle it is cut within 1 s all the same, and off within 1 s of the cycle's end", async () => {
  bay = await virtualCommands("off");
  const [target] = bay.targets as [string];
  const id = await lease(600_000);
  await switchOn(id);
  const cut = open();
  let cycled_ms: number | undefined;
  void bay.power(target, { state: "cycle", off_ms: 3000 }, "ada", { lease: id }).then((result) => {
    expect(result.status).toBe("done");
    cycled_ms = bay.time.now();
  });
  await bay.time.run(500);
  const ended_ms = bay.time.now();
  void bay.state.leases.release(bay.caller("ada"), id);
  await bay.time.until(() => cut.size === 8 && lit().length === 0, WITHIN_MS);
  await bay.time.until(() => cycled_ms !== undefined, 10_000);
  expect(cycled_ms).toBeGreaterThan(ended_ms + WITHIN_MS);
  await bay.time.until(() => dark() && bay.state.policies.pending().length === 0, 5000);
  expect(bay.time.now() - (cycled_ms as number)).toBeLessThanOrEqual(WITHIN_MS);
});

test("reset: the line is asserted within 1 s of the end", async () => {
  bay = await virtualCommands("reset");
  const id = await lease(600_000);
  await switchOn(id);
  const pulses = new Set<number>();
  const request = bay.board.link.request.bind(bay.board.link);
  bay.board.link.request = (name, body, timeout_ms) => {
    if (name === "reset_pulse") pulses.add((body as { channel: number }).channel);
    return request(name, body, timeout_ms);
  };
  const released = bay.state.leases.release(bay.caller("ada"), id);
  await bay.time.until(() => pulses.size === 8, WITHIN_MS);
  await bay.ended(released);
  expect(lit()).toHaveLength(8);
});
