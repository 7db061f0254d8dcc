import { bodyCheck, Fault, PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import { handleControl } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";
import { channelState } from "./scenarios/settings.ts";

/** DESIGN section 4: a stall bites within this, and outputs go to their policy. */
const STALL_MS = 500;

async function onBoard() {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const { rack } = rung;
  const bay = {
    board: (name: string) => (name === "b" ? rack : undefined),
    rack: () => rack,
    target: (name: string) => (name === "t1" ? rack : undefined),
  };
  await power(bench, PowerAction.on);
  return { bench, rack, control: (request: object) => handleControl(bay, request) };
}

test("hang: within 500 ms the outputs are off, the controller restarts by its watchdog, and the host finds a new session", async () => {
  const { bench, control } = await onBoard();
  const before = bench.welcome()?.epoch;
  expect(control({ fault: "hang", board: "b" })).toEqual({ ok: true, fault: "hang", board: "b" });
  await bench.run(STALL_MS + 1);
  expect(rail(bench).switchOn).toBe(false);
  await bench.run(2500);
  expect(bench.welcome()).toMatchObject({ reset_cause: 1 });
  expect(bench.welcome()?.epoch).not.toBe(before);
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
  expect(rail(bench).switchOn).toBe(true);
  await bench.stop();
});

test("restart: a command that ran when the controller restarted has the outcome `unknown` and is not sent twice", async () => {
  const { bench, control } = await onBoard();
  const cycle = bench.send("power_set", {
    channel: 1,
    action: PowerAction.cycle,
    off_ms: 1000,
    check: bodyCheck(1, PowerAction.cycle, 1000),
  });
  await bench.run(5);
  control({ fault: "restart", board: "b" });
  await bench.run(3000);
  expect((await cycle).kind).toBe("unknown");
  expect(bench.welcome()?.uptime_ms).toBeLessThan(1000);
  expect(bench.session.port.open).toBe(true);
  // Had it been sent again, the cycle would have ended with the channel on.
  expect(rail(bench).switchOn).toBe(false);
  await bench.stop();
});

test("link-cut and link-restore: the host's end closes and cannot be opened meanwhile; the board goes on", async () => {
  const { bench, rack, control } = await onBoard();
  let closed = "";
  await rack.transport.open({
    onBytes: () => undefined,
    onClose: (reason) => {
      closed = reason;
    },
  });
  control({ fault: "link-cut", board: "b" });
  expect(closed).toBe("the link was cut");
  await expect(rack.transport.open({ onBytes: () => undefined, onClose: () => undefined })).rejects.toThrow(/cut/);
  await bench.run(1000);
  expect(rail(bench).switchOn).toBe(true);
  control({ fault: "link-restore", board: "b" });
  await expect(rack.transport.open({ onBytes: () => undefined, onClose: () => undefined })).resolves.toBeUndefined();
  await bench.stop();
});

/** Asks the board, as the supervisor does. */
async function faultOf(bench: Awaited<ReturnType<typeof openBench>>): Promise<number | undefined> {
  const answer = await bench.request("channel_get", { channel: 1 });
  return answer.kind === "answer" ? answer.body.fault : undefined;
}

test("stuck-on, stuck-off, short, sensor-dead: the answer names fault and target, the firmware finds out by measuring, `none` heals", async () => {
  const found = {
    "stuck-on": Fault.off_unproved,
    "stuck-off": Fault.under_voltage,
    short: Fault.hard_over_current,
    "sensor-dead": Fault.sensor_dead,
  };
  for (const [kind, fault] of Object.entries(found)) {
    const { bench, control } = await onBoard();
    expect(control({ fault: kind, target: "t1" })).toEqual({ ok: true, fault: kind, target: "t1" });
    await bench.run(150);
    if (kind === "stuck-on") await power(bench, PowerAction.off);
    expect(await faultOf(bench), kind).toBe(fault);
    expect(control({ fault: "none", target: "t1" })).toEqual({ ok: true, fault: "none", target: "t1" });
    await bench.run(1200);
    await bench.request("rearm", { channel: 1, fault, check: bodyCheck(1, fault, 0) });
    await bench.run(700);
    expect(await faultOf(bench), `${kind} healed`).toBe(Fault.none);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { switch_on: 1 } });
    await bench.stop();
  }
});

test("get pins shows every output as the electronics see it: the chain's bits, and the gate behind the trip latch", async () => {
  const { bench, control } = await onBoard();
  const pins = (): Record<string, number> =>
    (control({ get: "pins", board: "b" }) as { pins: Record<string, number> }).pins;
  const names = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((n) =>
    ["switch", "gate", "discharge", "reset", "strap"].map((name) => `${name}${n}`),
  );
  expect(Object.keys(pins())).toEqual(expect.arrayContaining([...names, "gp26", "gp27", "gp28"]));
  expect(pins()).toMatchObject({ switch1: 1, gate1: 1, discharge1: 0, switch2: 0, gate2: 0, discharge2: 1 });
  control({ fault: "short", target: "t1" });
  await bench.run(3);
  expect(pins()).toMatchObject({ gate1: 0 });
  await bench.stop();
});

test("every answer is one object; what cannot be understood is refused with a reason", async () => {
  const { bench, control } = await onBoard();
  for (const request of [
    null,
    [],
    7,
    {},
    { get: "moon" },
    { get: "pins", board: 3 },
    { get: "rail", target: "nobody" },
    { set: "load", target: "t1", current_a: "much" },
    { set: "load", target: "t1", current_a: Number.NaN },
    { fault: "stuck-on" },
    { fault: "stuck-on", target: "nobody" },
    { fault: "hang" },
    { press: "left", rack: "r" },
    { press: "up", rack: "r", ms: -1 },
  ]) {
    expect(control(request as object), JSON.stringify(request)).toEqual({ error: expect.any(String) });
  }
  expect(control({ get: "rail", target: "t1" })).toEqual({
    voltage_v: expect.any(Number),
    current_a: expect.any(Number),
    energy_j: expect.any(Number),
  });
  await bench.stop();
});

test("set load: the current at the rail rises by what is set, for the board's monitor too, and goes with it", async () => {
  const { bench, control } = await onBoard();
  // A target that boots draws more.
  await bench.run(3000);
  const rail_a = (): number => (control({ get: "rail", target: "t1" }) as { current_a: number }).current_a;
  const board_a = async (): Promise<number> => (await channelState(bench)).current_ua / 1e6;
  const before = [rail_a(), await board_a()] as const;
  const answer = { ok: true, target: "t1", current_a: 0.5 };
  expect(control({ set: "load", target: "t1", current_a: 0.5 })).toEqual(answer);
  await bench.run(200);
  expect(Math.abs(rail_a() - before[0] - 0.5)).toBeLessThan(0.02);
  expect(Math.abs((await board_a()) - before[1] - 0.5)).toBeLessThan(0.02);
  expect(control({ set: "load", target: "t1", current_a: 0 })).toEqual({ ...answer, current_a: 0 });
  await bench.run(200);
  expect(Math.abs(rail_a() - before[0])).toBeLessThan(0.02);
  expect(Math.abs((await board_a()) - before[1])).toBeLessThan(0.02);
  await bench.stop();
});

test("faults that do not exist, or of boards that do not exist, are refused", async () => {
  const { bench, control } = await onBoard();
  expect(control({ fault: "moon", board: "b" })).toHaveProperty("error");
  expect(control({ fault: "hang", board: "x" })).toHaveProperty("error");
  await bench.stop();
});
