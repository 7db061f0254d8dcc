import { bodyCheck, Fault, type Message, Outcome, PowerAction, Refusal, Stream } from "@mltb/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handleControl } from "../src/index.ts";
import { type VirtualBench, virtualBench } from "./virtual-bench.ts";

let bench: VirtualBench;
beforeEach(async () => {
  bench = await virtualBench([{ name: "t1", channel: 1, load: { idle_w: 1.2, cpu_w: 0 } }]);
});
afterEach(() => bench.stop());

function power(action: number, off_ms = 0, check = bodyCheck(1, action, off_ms)) {
  return bench.request("power_set", { channel: 1, action, off_ms, check });
}
const send = (action: number, off_ms = 0) =>
  bench.send("power_set", { channel: 1, action, off_ms, check: bodyCheck(1, action, off_ms) });
const rail = () => bench.rack.electronics.rails[0] as NonNullable<(typeof bench.rack.electronics.rails)[0]>;

test("on is answered after the rail reached its voltage, off after it was discharged", async () => {
  const on = await power(PowerAction.on);
  expect(on).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, switch_on: 1 } });
  expect(rail().voltage_v).toBeGreaterThan(4.5);
  const off = await power(PowerAction.off);
  expect(off).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, switch_on: 0 } });
  expect(rail().voltage_v).toBeLessThan(0.3);
});

test("inrush stays at capacitance times slew: 470 uF x 1 V/ms = 0.47 A above the load", async () => {
  let peak = 0;
  let done = false;
  void send(PowerAction.on).then(() => {
    done = true;
  });
  while (!done) {
    await bench.run(1);
    peak = Math.max(peak, rail().current_a);
  }
  expect(peak).toBeGreaterThan(0.4);
  expect(peak).toBeLessThan(1.1);
});

test("a dead monitor: on is not believed, the switch opens, the fault is latched until it is re-armed", async () => {
  bench.rack.electronics.buses[0]?.parts.delete(0x40);
  await bench.run(200);
  expect(await power(PowerAction.on)).toMatchObject({
    kind: "answer",
    body: { outcome: Outcome.fault, fault: Fault.sensor_dead, switch_on: 0 },
  });
  expect(rail().switchOn).toBe(false);
  expect(await power(PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
});

test("over-current opens the switch and latches", async () => {
  await power(PowerAction.on);
  rail().extra_a = 3;
  await bench.run(200);
  expect(rail().switchOn).toBe(false);
  const state = await bench.request("channel_get", { channel: 1 });
  expect(state).toMatchObject({ kind: "answer", body: { fault: Fault.over_current } });
  rail().extra_a = 0;
  const check = bodyCheck(1, Fault.over_current, 0);
  expect((await bench.request("rearm", { channel: 1, fault: Fault.over_current, check })).kind).toBe("answer");
  await bench.run(400);
  expect(await power(PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
});

test("a cycle finishes with the target on although the host is gone", async () => {
  await power(PowerAction.on);
  void send(PowerAction.cycle, 300);
  await bench.run(20);
  await bench.rack.transport.close();
  let sawOff = false;
  for (let i = 0; i < 1500; i += 1) {
    bench.rack.advance(1);
    if (!rail().switchOn) sawOff = true;
  }
  expect(sawOff).toBe(true);
  expect(rail().switchOn).toBe(true);
});

test("a newer command supersedes a pending cycle, and wins", async () => {
  await power(PowerAction.on);
  const cycle = send(PowerAction.cycle, 2000);
  await bench.run(300);
  const off = await power(PowerAction.off);
  expect(off).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
  expect(await cycle).toMatchObject({ kind: "answer", body: { outcome: Outcome.superseded } });
  await bench.run(3000);
  expect(rail().switchOn).toBe(false);
});

test("a wrong complement switches nothing", async () => {
  expect(await power(PowerAction.on, 0, bodyCheck(1, PowerAction.on, 0) ^ 1)).toMatchObject({
    kind: "refused",
    code: Refusal.bad_check,
  });
  expect(rail().switchOn).toBe(false);
});

test("reset is refused while the target is off and pulses its line while it is on", async () => {
  const body = { channel: 1, pulse_ms: 50, check: bodyCheck(1, 0, 50) };
  expect(await bench.request("reset_pulse", body)).toMatchObject({ kind: "refused", code: Refusal.not_on });
  await power(PowerAction.on);
  const line = bench.rack.electronics.board.channels[0]?.reset_bit ?? -1;
  let asserted_ms = 0;
  let done = false;
  const pulse = bench.send("reset_pulse", body).then((outcome) => {
    done = true;
    return outcome;
  });
  while (!done) {
    await bench.run(1);
    asserted_ms += bench.rack.electronics.chain.output(line);
  }
  expect(await pulse).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, reset_asserted: 0 } });
  expect(asserted_ms).toBeGreaterThanOrEqual(48);
  expect(asserted_ms).toBeLessThanOrEqual(62);
});

test("samples: every row arrives, and voltage x current integrates to the true energy within the chain's errors", async () => {
  await power(PowerAction.on);
  await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 10_000 });
  await bench.run(100);
  bench.messages.length = 0;
  const before = rail().energy_j;
  await bench.run(2000);
  const truth = rail().energy_j - before;
  const blocks = bench.messages
    .filter((m) => m.name === "sample_block")
    .map((m) => m.body as unknown as Message<"sample_block">);
  let next = blocks[0]?.first ?? 0;
  let energy = 0;
  let rows = 0;
  for (const block of blocks) {
    expect(block.first).toBe(next);
    expect(block.lost).toBe(0);
    next = block.first + block.rows;
    const bytes = Buffer.from(block.data, "latin1");
    for (let row = 0; row < block.rows; row += 1) {
      energy += bytes.readInt16LE(row * 16) * (1.2 / 32768 / 20 / 0.02) * rail().voltage_v * 0.001;
      rows += 1;
    }
  }
  expect(rows).toBeGreaterThanOrEqual(1980);
  expect(energy / rows / (truth / 2000)).toBeGreaterThan(0.994);
  expect(energy / rows / (truth / 2000)).toBeLessThan(1.006);
});

test("a marker edge carries the device time of the edge and the row that holds it", async () => {
  await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 10_000 });
  await bench.run(50);
  const at = bench.rack.electronics.now_us() + 300;
  bench.rack.electronics.marker(1, 1, at);
  await bench.run(30);
  const edge = bench.messages.find((m) => m.name === "marker_edge")?.body;
  expect(edge).toMatchObject({ channel: 1, level: 1, tick_us: at });
});

test("press and lcd: Down shows the next channel, Stop held for 2 s switches everything off", async () => {
  await power(PowerAction.on);
  const bay = { board: () => bench.rack, rack: () => bench.rack, target: () => bench.rack };
  expect(handleControl(bay, { get: "lcd", rack: "r" })).toMatchObject({
    lines: [expect.stringMatching(/^1 /), expect.anything(), expect.anything(), expect.anything()],
  });
  expect(handleControl(bay, { press: "down", rack: "r", ms: 100 })).toMatchObject({ ok: true });
  await bench.run(600);
  expect(bench.rack.electronics.lcd.rows()[0]).toMatch(/^2 /);
  expect(bench.rack.electronics.lcd.busyViolations).toBe(0);
  handleControl(bay, { press: "stop", rack: "r", ms: 2200 });
  await bench.run(2600);
  expect(rail().switchOn).toBe(false);
  expect(bench.messages.some((m) => m.name === "button" && m.body["press"] === 3)).toBe(true);
  expect(handleControl(bay, { press: "left", rack: "r" })).toHaveProperty("error");
  expect(handleControl(bay, { get: "moon" })).toHaveProperty("error");
});
