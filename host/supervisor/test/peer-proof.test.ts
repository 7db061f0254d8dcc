import type { SimulatedRack } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

const pick = (n: number): string => bay.targets[n - 1] as string;
const done = { status: "done" };
const on = (target: string) => bay.ended(bay.power(target, { state: "on" }));
const off = (target: string) => bay.ended(bay.power(target, { state: "off" }));
const said = (target: string): string => bay.commands.find(target).channel.power;

/** Levels of all switches of the first rack, and how often any of them has moved. */
function switches(): { moves: number } {
  const seen = { moves: 0 };
  for (const target of bay.targets) {
    const rail = bay.rail(target);
    const { step } = rail;
    let before = rail.switchOn;
    rail.step = (...args) => {
      if (rail.switchOn !== before) seen.moves += 1;
      before = rail.switchOn;
      return step(...args);
    };
  }
  return seen;
}

test("uhubctl#82 off with the supply still up: a switch that stays closed makes off fail, and nothing says off", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  const told: string[] = [];
  bay.time.hub.on("power", ({ name, power }) => name === target && told.push(power));
  bay.rack.electronics.breakChannel(0, "stuck-on");
  expect(await off(target)).toMatchObject({
    status: "failed",
    state: { power: "fault", fault: { id: "off-unproved" } },
  });
  await bay.time.run(500);
  expect(told).not.toContain("off");
});

test("uhubctl#93 a port that is off is fed again behind the tool's back: a channel that was proved off and is live again is told as a fault", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  expect(await off(target)).toMatchObject(done);
  bay.rack.electronics.breakChannel(0, "stuck-on");
  await bay.time.until(() => said(target) === "fault", 1000);
  expect(bay.commands.find(target).channel.fault?.id).toBe("off-unproved");
});

test("pikvm#367, pikvm#910: a light stands for the state of the power: here the rail is measured, and a switch that fails open ends the on", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  bay.rack.electronics.breakChannel(0, "stuck-off");
  // The switch's own line is still high: only the rail tells.
  expect(bay.rail(target).switchOn).toBe(true);
  await bay.time.until(() => said(target) !== "on", 1000);
  expect(said(target)).toBe("fault");
  expect(bay.commands.find(target).channel.fault?.id).toBe("under-voltage");
});

test("librealsense#15251: a port's state is inferred from what enumerates: a target that is silent and draws nothing stays on, and off still opens its switch", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  const rail = bay.rail(target);
  const { step } = rail;
  // It reboots: for a second nothing of it is to be seen but its rail.
  rail.step = (seconds) => step(seconds, 0);
  await bay.time.run(1000);
  expect(Math.abs(rail.current_a)).toBeLessThan(0.01);
  expect(said(target)).toBe("on");
  expect(await off(target)).toMatchObject(done);
  expect(rail.switchOn).toBe(false);
  expect(rail.voltage_v).toBeLessThan(0.6);
});

test("librealsense#14841 what is so already is commanded again: on for a target that is on moves no switch, and is proved all the same", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  const seen = switches();
  for (let n = 0; n < 3; n += 1) expect(await on(target)).toMatchObject({ status: "done", state: { power: "on" } });
  expect(seen.moves).toBe(0);
  expect(await off(target)).toMatchObject(done);
  expect(await off(target)).toMatchObject(done);
  expect(seen.moves).toBe(1);
});

test("librealsense#15057 an unknown port has all ports cycled: a target that nobody knows is refused by name, and no switch moves", async () => {
  bay = await virtualCommands();
  for (const target of bay.targets) expect(await on(target)).toMatchObject(done);
  const seen = switches();
  for (const name of ["r1-t9", "r1", "", "*"]) {
    for (const state of ["off", "cycle"]) {
      expect(await bay.ended(bay.power(name, { state }))).toMatchObject({ status: "refused", code: "unknown_target" });
    }
  }
  await bay.time.run(500);
  expect(seen.moves).toBe(0);
  expect(bay.targets.map(said)).toEqual(Array(8).fill("on"));
});

test("librealsense#8855 the port of a device that is dead has to be guessed: a target of a board that is away keeps its name and place, and a command for it says what is missing", async () => {
  bay = await virtualCommands();
  const target = pick(3);
  expect(await on(target)).toMatchObject(done);
  bay.rack.cutLink();
  await bay.time.until(() => said(target) === "unknown", 2000);
  expect(bay.commands.find(target).channel.view()).toMatchObject({ name: target, rack: "r1", channel: 3 });
  expect(await off(target)).toMatchObject({ status: "failed", code: "board_lost" });
  expect(bay.rail(target).switchOn).toBe(true);
  bay.rack.restoreLink();
  await bay.time.until(() => said(target) === "on", 3000);
  expect(await off(target)).toMatchObject(done);
});

test("cdba#93 one time of a key press for all boards: the length of a reset pulse is the command's, per target, and kept by the board", async () => {
  bay = await virtualCommands();
  const { electronics } = bay.rack;
  const pulses = [20, 200, 1000];
  const held = pulses.map(() => 0);
  for (const [n] of pulses.entries()) expect(await on(pick(n + 1))).toMatchObject(done);
  const running = pulses.map((pulse_ms, n) =>
    bay.commands.run(bay.caller("a"), "target", pick(n + 1), "reset", { pulse_ms }),
  );
  for (let ms = 0; ms < 1200; ms += 1) {
    for (const n of pulses.keys())
      held[n] = (held[n] ?? 0) + electronics.chain.output(electronics.board.channels[n]?.reset_bit ?? -1);
    await bay.time.run(1);
  }
  for (const [n, pulse_ms] of pulses.entries()) {
    expect(await bay.ended(running[n] as (typeof running)[0])).toMatchObject(done);
    expect(held[n]).toBeGreaterThanOrEqual(pulse_ms);
    expect(held[n]).toBeLessThanOrEqual(pulse_ms + 20);
  }
});

/** Milliseconds from a short at the first channel until its switch is open. */
async function opens(within_ms: number): Promise<number> {
  bay.rack.electronics.breakChannel(0, "short");
  return bay.time.until(() => !bay.rail(pick(1)).switchOn, within_ms);
}

test("tacd: for 600 ms after turn-on no over-current is seen: a short at any time after on opens the switch within 2 ms", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  for (const after_ms of [0, 50, 150, 300, 550]) {
    expect(await on(target)).toMatchObject(done);
    await bay.time.run(after_ms);
    expect(await opens(50)).toBeLessThanOrEqual(2);
    await bay.time.until(() => said(target) === "fault", 1000);
    bay.rack.electronics.breakChannel(0, "none");
    await rearmed(target);
  }
});

test("tacd: an overload of a USB port is only a warning: a current between the slow and the hard limit opens the switch, and its cause is told", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  await bay.time.run(200);
  bay.rail(target).extra_a = 2.6;
  // The slow limit has a time of its own; a fuse that opened at once would be the hard one.
  const ms = await bay.time.until(() => !bay.rail(target).switchOn, 1000);
  await bay.time.until(() => said(target) === "fault", 100);
  expect(ms).toBeGreaterThan(10);
  expect(bay.commands.find(target).channel.fault?.id).toBe("over-current");
});

async function rearmed(target: string): Promise<void> {
  const { channel } = bay.commands.find(target);
  for (let tries = 0; channel.fault !== null && tries < 20; tries += 1) {
    const { id } = channel.fault;
    await bay.ended(bay.commands.run(bay.caller("a"), "target", target, "rearm", { fault: id }));
    await bay.time.run(100);
  }
  expect(channel.fault).toBeNull();
}

test("tacd: any `on` takes a fault away: here it stays latched with its cause, and on is refused until it is re-armed by name", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  expect(await on(target)).toMatchObject(done);
  await opens(50);
  await bay.time.until(() => said(target) === "fault", 1000);
  bay.rack.electronics.breakChannel(0, "none");
  await bay.time.run(1000);
  const seen = switches();
  expect(await on(target)).toMatchObject({ status: "refused", code: "fault_latched" });
  expect(await bay.ended(bay.power(target, { state: "cycle", off_ms: 50 }))).toMatchObject({ code: "fault_latched" });
  expect(bay.commands.find(target).channel.fault?.id).toBe("hard-over-current");
  expect(seen.moves).toBe(0);
  await rearmed(target);
  expect(await on(target)).toMatchObject(done);
});

test("USB Insight Hub: an alert that comes while the bus is taken is dropped: with the sensor bus held a short opens the switch all the same, and is told afterwards", async () => {
  bay = await virtualCommands();
  const target = pick(1);
  const { electronics }: SimulatedRack = bay.rack;
  expect(await on(target)).toMatchObject(done);
  const bus = electronics.buses[electronics.board.monitor_bus] as (typeof electronics.buses)[0];
  bus.hold = { sda_clocks: Number.POSITIVE_INFINITY, scl: false };
  expect(await opens(50)).toBeLessThanOrEqual(2);
  // Longer, and the monitors would count as dead: a fault of its own.
  await bay.time.run(25);
  bus.hold = { sda_clocks: 0, scl: false };
  await bay.time.until(() => said(target) === "fault", 1000);
  expect(bay.commands.find(target).channel.fault?.id).toBe("hard-over-current");
});
