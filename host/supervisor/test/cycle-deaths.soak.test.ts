import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import { scale, type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

/** A cycle with its dwell and both proofs takes about 150 ms; what happens to it happens at each of these times. */
const STEP_MS = scale(20, 5, 1);
const LAST_MS = 180;
const times = Array.from({ length: Math.floor(LAST_MS / STEP_MS) + 1 }, (_, n) => n * STEP_MS);
const DWELL_MS = 60;

let bay: VirtualCommands;
afterEach(() => bay.stop());

/** A target that is on, and a cycle of it that has run for a while. */
async function cycling(target: string, ms: number): Promise<{ result: CommandResult | undefined }> {
  const ended: { result: CommandResult | undefined } = { result: undefined };
  const power = (args: object) => bay.commands.run(bay.caller("client"), "target", target, "power", args);
  let on = false;
  void power({ state: "on" }).then((result) => {
    on = result.status === "done";
  });
  await bay.time.until(() => on, 5000);
  void power({ state: "cycle", off_ms: DWELL_MS }).then((result) => {
    ended.result = result;
  });
  await bay.time.run(ms);
  return ended;
}

async function endsOn(target: string): Promise<void> {
  const { channel } = bay.commands.find(target);
  await bay.time.until(() => channel.power === "on" && bay.rail(target).switchOn, 5000);
  await bay.time.run(300);
  expect(bay.rail(target).switchOn).toBe(true);
  expect(channel.power).toBe("on");
}

test("labgrid: a client killed in a cycle leaves the board off: at each step of a cycle its lease ends, and the target ends on", {
  timeout: 0,
}, async () => {
  bay = await virtualCommands("keep");
  for (const ms of times) {
    const target = bay.targets[0] as string;
    const ended = await cycling(target, ms);
    const request = {
      targets: [target],
      holder: "ada",
      user: "ada",
      ttl_ms: 60_000,
      priority: 0,
      hold: true,
      experiment: false,
    };
    const lease = await bay.state.leases.acquire(bay.caller("ada"), request, 0, new AbortController().signal);
    if ("status" in lease) throw new Error(lease.message);
    const closed = bay.state.leases.bind(bay.caller("ada"), lease.id);
    closed();
    expect(bay.state.leases.of(target)).toBeUndefined();
    await bay.time.until(() => ended.result !== undefined, 5000);
    expect(ended.result?.status).toBe("done");
    await endsOn(target);
    await bay.time.until(() => bay.state.leases.list().length === 0, 1000);
  }
});

test("the cable is pulled at each step of a cycle: the target ends on, the command is unknown or done, the state is read again", {
  timeout: 0,
}, async () => {
  bay = await virtualCommands();
  const outcomes = new Set<string>();
  for (const ms of times) {
    const target = bay.targets[1] as string;
    const ended = await cycling(target, ms);
    const wasDone = ended.result?.status === "done";
    bay.rack.cutLink();
    await bay.time.until(() => ended.result !== undefined, 5000);
    // The board's proof may have come while the state was being read once more.
    if (!wasDone && ended.result?.status !== "done") {
      expect(ended.result).toMatchObject({ status: "unknown", code: "outcome_unknown" });
    }
    outcomes.add(String(ended.result?.status));
    expect(bay.commands.find(target).channel.power).toBe("unknown");
    await bay.time.run(400);
    bay.rack.restoreLink();
    await endsOn(target);
  }
  expect(outcomes.has("unknown")).toBe(true);
});

test("the board restarts at each step of a cycle: unknown, nothing is sent again, and the state said afterwards is the rail's", {
  timeout: 0,
}, async () => {
  bay = await virtualCommands();
  let unknown = 0;
  for (const ms of times) {
    const target = bay.targets[2] as string;
    const ended = await cycling(target, ms);
    const { channel } = bay.commands.find(target);
    const sent = bay.sent.get(channel.channel)?.length;
    const wasDone = ended.result?.status === "done";
    let forgotten = false;
    const onPower = (view: { name: string; power: string }): void => {
      if (view.name === target && view.power === "unknown") forgotten = true;
    };
    bay.time.hub.on("power", onPower);
    await bay.rack.restart();
    await bay.time.until(() => ended.result !== undefined && forgotten, 5000);
    bay.time.hub.off("power", onPower);
    if (!wasDone && ended.result?.status !== "done") {
      expect(ended.result).toMatchObject({ status: "unknown", code: "outcome_unknown" });
      unknown += 1;
    }
    await bay.time.until(() => channel.power === "on" || channel.power === "off", 10_000);
    expect(channel.power).toBe(bay.rail(target).switchOn ? "on" : "off");
    expect(bay.sent.get(channel.channel)?.length).toBe(sent);
  }
  expect(unknown).toBeGreaterThan(times.length / 2);
});

test("jumpstarter#888, labgrid#1580: a lease that ends in a cycle lets it complete, then the target goes off; nobody else gets it before", {
  timeout: 0,
}, async () => {
  bay = await virtualCommands("off");
  for (const ms of times) {
    const target = bay.targets[3] as string;
    const request = {
      targets: [target],
      holder: "ada",
      user: "ada",
      ttl_ms: 60_000,
      priority: 0,
      hold: false,
      experiment: false,
    };
    const mine = await bay.state.leases.acquire(bay.caller("ada"), request, 0, new AbortController().signal);
    if ("status" in mine) throw new Error(mine.message);
    const power = (state: string, lease: string) =>
      bay.commands.run(bay.caller("ada", { lease }), "target", target, "power", {
        state,
        ...(state === "cycle" ? { off_ms: DWELL_MS } : {}),
      });
    let on = false;
    void power("on", mine.id).then((result) => {
      on = result.status === "done";
    });
    await bay.time.until(() => on, 5000);
    let cycled: CommandResult | undefined;
    void power("cycle", mine.id).then((result) => {
      cycled = result;
    });
    await bay.time.run(ms);
    void bay.state.leases.release(bay.caller("ada"), mine.id);
    let next: string | undefined;
    void bay.state.leases
      .acquire(bay.caller("bob"), { ...request, user: "bob" }, 10_000, new AbortController().signal)
      .then((lease) => {
        expect(bay.rail(target).switchOn).toBe(false);
        expect(bay.commands.find(target).channel.power).toBe("off");
        next = "status" in lease ? lease.message : lease.id;
      });
    await bay.time.until(() => next !== undefined, 5000);
    expect(cycled?.status).toBe("done");
    void bay.state.leases.release(bay.caller("bob"), next as string);
    await bay.time.run(5);
  }
});
