import { strapName } from "@mltb/contract";
import { bodyCheck, StrapLine, StrapStep } from "@mltb/protocol";
import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

const pick = (n: number): string => bay.targets[n - 1] as string;
const done = { status: "done" };

/** Times of a running world at which a switch has closed and opened, and the lowest voltage since it opened. */
function watch(target: string): { closed: number[]; opened: number[]; lowest_v: number } {
  const seen = { closed: [] as number[], opened: [] as number[], lowest_v: Number.POSITIVE_INFINITY };
  const rail = bay.rail(target);
  const { step } = rail;
  let before = rail.switchOn;
  rail.step = (...args) => {
    if (rail.switchOn !== before) {
      seen[rail.switchOn ? "closed" : "opened"].push(bay.time.now());
      if (!rail.switchOn) seen.lowest_v = Number.POSITIVE_INFINITY;
    }
    before = rail.switchOn;
    if (!before) seen.lowest_v = Math.min(seen.lowest_v, rail.voltage_v);
    return step(...args);
  };
  return seen;
}

test("pdudaemon: power off during a pending reboot is undone by the reboot: here the off ends the cycle, and the target stays off", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject(done);
  const reboot = bay.power(target, { state: "cycle", off_ms: 2000 }, "a");
  await bay.time.run(1000);
  expect(await bay.ended(bay.power(target, { state: "off" }, "b"))).toMatchObject(done);
  expect(await bay.ended(reboot)).toMatchObject({ status: "refused", code: "superseded" });
  const seen = watch(target);
  await bay.time.run(2500);
  expect(seen.closed).toEqual([]);
  expect(bay.rail(target).voltage_v).toBeLessThan(0.6);
  expect(bay.commands.find(target).channel.power).toBe("off");
});

test("PiKVM: a click during another one is refused as busy: of commands that follow each other faster than a switch the last one is carried out, and the others say what became of them", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  for (const states of [
    ["on", "off", "on"],
    ["cycle", "cycle", "off"],
    ["off", "cycle", "on", "cycle", "on", "off", "on"],
  ]) {
    const running: Promise<CommandResult>[] = [];
    for (const state of states) {
      running.push(bay.power(target, { state, ...(state === "cycle" ? { off_ms: 100 } : {}) }));
      await bay.time.run(7);
    }
    const results: CommandResult[] = [];
    for (const result of running) results.push(await bay.ended(result));
    expect(results.at(-1)?.status).toBe("done");
    for (const result of results.slice(0, -1)) {
      if (result.status !== "done") expect(result).toMatchObject({ status: "refused", code: "superseded" });
    }
    expect(bay.rail(target).switchOn).toBe(states.at(-1) === "on");
  }
});

test("pdudaemon: the retries of one port hold another: a channel that proves nothing adds no millisecond to its neighbour's commands", async () => {
  bay = await virtualCommands();
  const [broken, healthy] = [pick(1), pick(2)];
  const taken = async (state: "on" | "off"): Promise<number> => {
    const from = bay.time.now();
    expect(await bay.ended(bay.power(healthy, { state }))).toMatchObject(done);
    return bay.time.now() - from;
  };
  const alone = { on: await taken("on"), off: await taken("off") };
  bay.rack.electronics.breakChannel(0, "stuck-off");
  for (let n = 0; n < 3; n += 1) {
    let failed: CommandResult | undefined;
    void bay.power(broken, { state: "on" }).then((result) => {
      failed = result;
    });
    for (const state of ["on", "off"] as const) {
      // The board looks at its channels every few milliseconds.
      expect((await taken(state)) - alone[state]).toBeLessThanOrEqual(10);
      if (state === "on") expect(failed).toBeUndefined();
    }
    await bay.time.until(() => failed !== undefined, 5000);
    expect(failed).toMatchObject({ status: "failed" });
    await bay.ended(bay.commands.run(bay.caller("a"), "target", broken, "rearm", { fault: "on-unproved" }));
  }
});

test("pdudaemon#123 a reboot without dwell: where none is asked for the target is without power for a second, and its rail at its end is empty", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  const seen = watch(target);
  expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject(done);
  expect(await bay.ended(bay.power(target, { state: "cycle" }))).toMatchObject({
    status: "done",
    state: { power: "on" },
  });
  expect([seen.closed.length, seen.opened.length]).toEqual([2, 1]);
  expect((seen.closed[1] ?? 0) - (seen.opened[0] ?? 0)).toBeGreaterThanOrEqual(1000);
  expect(seen.lowest_v).toBeLessThan(0.6);
  // A dwell of zero is no dwell, but the rail is down before it comes up.
  expect(await bay.ended(bay.power(target, { state: "cycle", off_ms: 0 }))).toMatchObject(done);
  expect(seen.lowest_v).toBeLessThan(0.6);
});

test("jumpstarter: `on` after an outside loss of power does nothing, for the driver trusts its last action: here it switches, whether anybody saw the loss or not", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  const { channel } = bay.commands.find(target);
  for (const unseen of [false, true]) {
    expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject(done);
    if (unseen) bay.rack.cutLink();
    await bay.rack.restart();
    if (unseen) bay.rack.restoreLink();
    expect(bay.rail(target).switchOn).toBe(false);
    await bay.time.until(() => bay.board.link.lifecycle !== "ready", 2000);
    expect(channel.power).toBe("unknown");
    await bay.time.until(() => bay.board.link.lifecycle === "ready", 5000);
    const again = await bay.ended(bay.power(target, { state: "on" }));
    expect(again).toMatchObject({ status: "done", state: { power: "on" } });
    expect(bay.rail(target).voltage_v).toBeGreaterThan(4.4);
    await bay.ended(bay.power(target, { state: "off" }));
  }
});

test("jumpstarter: the board that runs a sequence is deaf until its end: here it answers meanwhile, and switches its other channels", async () => {
  bay = await virtualCommands();
  const [strapped, other] = [pick(1), pick(2)];
  for (const target of [strapped, other])
    expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject(done);
  const step = (what: number, argument: number, wait_ms: number): string =>
    String.fromCharCode(what, argument, wait_ms & 255, wait_ms >> 8);
  const steps = step(StrapStep.off, 0, 700) + step(StrapStep.lines, StrapLine.strap, 10) + step(StrapStep.on, 0, 700);
  const name = strapName(1, "recovery");
  await bay.ended(bay.board.link.request("strap_set", { name, steps: steps + step(StrapStep.lines, 0, 0) }, 1000));
  let ended: string | undefined;
  void bay.board.link.request("strap_run", { channel: 1, name, check: bodyCheck(1, 0, 0) }, 5000).then((outcome) => {
    ended = outcome.kind;
  });
  let slowest_ms = 0;
  for (let n = 0; n < 80; n += 1) {
    const from = bay.time.now();
    expect(await bay.ended(bay.board.link.request("echo", { data: "x" }, 1000))).toMatchObject({ kind: "answer" });
    slowest_ms = Math.max(slowest_ms, bay.time.now() - from);
    await bay.time.run(11);
  }
  // Its steps are looked after within a sweep of the channels.
  expect(slowest_ms).toBeLessThanOrEqual(10);
  expect(await bay.ended(bay.power(other, { state: "off" }))).toMatchObject(done);
  expect(ended).toBeUndefined();
  await bay.time.until(() => ended !== undefined, 3000);
  expect([ended, bay.rail(strapped).switchOn]).toEqual(["answer", true]);
});

test("jumpstarter#141 a long call dies by its deadline: a cycle with a dwell of twenty seconds is waited for to its end", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject(done);
  const seen = watch(target);
  const cycle = bay.power(target, { state: "cycle", off_ms: 20_000 });
  expect(await bay.ended(cycle, 25_000)).toMatchObject({ status: "done", state: { power: "on" } });
  expect((seen.closed[0] ?? 0) - (seen.opened[0] ?? 0)).toBeGreaterThanOrEqual(20_000);
});
