import { missingImagePackages } from "@mltb/firmware/images";
import { Fault, type Message, Outcome, PowerAction } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import type { I2cBus } from "../src/parts/i2c.ts";
import { random } from "../src/world/random.ts";
import { openBench } from "./bench.ts";
import { ENDLESS_LOOP, imageSymbol, rp2040Image } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

/** DESIGN section 4: a stall of sampler, sensor bus or Lua tick bites within this, and outputs go to their policy. */
const STALL_MS = 500;

/** Clears enables of interrupts (ARMv6-M, B3.4.4). */
const NVIC_ICER = 0xe000e180;
/** The interrupt of timer alarm 1, which reads the monitors. */
const SWEEP_ALARM = 1;
const FLOOD_MS = 2000;
const USB_PACKET_BYTES = 64;
/** 19 packets of a full-speed bulk pipe. */
const FLOOD_BYTES_PER_MS = 19 * USB_PACKET_BYTES;

async function onBoard() {
  const rung = await rp2040Image();
  const bench = await openBench(rung);
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
  await bench.run(50);
  expect(rail(bench).switchOn).toBe(true);
  return { rung, bench };
}

async function msUntilOff(bench: Awaited<ReturnType<typeof openBench>>): Promise<number> {
  for (let ms = 0; ms < 2 * STALL_MS; ms += 1) {
    if (!rail(bench).switchOn) return ms;
    await bench.run(1);
  }
  return Number.POSITIVE_INFINITY;
}

describe.skipIf(missingImagePackages().length > 0)("robustness of the RP2040 image", () => {
  test("endless-lua-loop: while interrupts go on, the watchdog restarts the chip within 500 ms; it says so and works again", async () => {
    const { rung, bench } = await onBoard();
    const before = bench.welcome()?.epoch;
    rung.board.patch(await imageSymbol("luaV_execute"), ENDLESS_LOOP);
    expect(await msUntilOff(bench)).toBeLessThanOrEqual(STALL_MS);
    expect(rung.board.counters.restarts).toBe(1);
    await bench.run(2500);
    expect(bench.welcome()).toMatchObject({ reset_cause: 1 });
    expect(bench.welcome()?.epoch).not.toBe(before);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    await bench.run(1000);
    expect(rung.board.counters.restarts).toBe(1);
  });

  test("sampler-stall: no conversions while a channel is on: outputs are off within 500 ms", async () => {
    const { rung, bench } = await onBoard();
    rung.board.conversions = false;
    expect(await msUntilOff(bench)).toBeLessThanOrEqual(STALL_MS);
    expect(rung.board.counters.restarts).toBe(1);
  });

  test("sensor-bus-held: the channel is off within 500 ms with its fault, without a restart, and the board still answers", async () => {
    const { rung, bench } = await onBoard();
    (rung.electronics.buses[0] as I2cBus).hold.scl = true;
    expect(await msUntilOff(bench)).toBeLessThanOrEqual(STALL_MS);
    const state = await bench.request("channel_get", { channel: 1 });
    expect(state).toMatchObject({ kind: "answer", body: { fault: Fault.sensor_dead, switch_on: 0 } });
    expect(rung.board.counters.restarts).toBe(0);
  });

  test("sweep-stall: the monitors are not read any more while a channel is on: outputs are off within 500 ms", async () => {
    const { rung, bench } = await onBoard();
    rung.board.poke(NVIC_ICER, 1 << SWEEP_ALARM);
    expect(await msUntilOff(bench)).toBeLessThanOrEqual(STALL_MS);
    expect(rung.board.counters.restarts).toBe(1);
    await bench.run(2500);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
  });

  test("flood: garbage and pings at the rate of a full USB line for two seconds: no restart, no switch, and an answer afterwards", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    const { usb, counters } = rung.board;
    const before = { pongs: bench.pongs(), packets: usb.counters.packets_out, switches: bench.world.switches() };
    const calm = await bench.request("counters_get", {});
    const noise = random(7);
    let written = 0;
    for (let ms = 0; ms < FLOOD_MS; ms += 1) {
      // Two milliseconds' worth wait at the host's end, so the line never idles.
      while (written - USB_PACKET_BYTES * (usb.counters.packets_out - before.packets) < 2 * FLOOD_BYTES_PER_MS) {
        const chunk = Uint8Array.from({ length: FLOOD_BYTES_PER_MS }, () => Math.floor(256 * noise.uniform()));
        // What comes behind it, a ping of the session now and then, is no part of it.
        chunk[chunk.length - 1] = 0;
        bench.write(chunk);
        written += chunk.length;
      }
      await bench.run(1);
      expect([ms, ...bench.world.switches()]).toEqual([ms, ...before.switches]);
    }
    const taken = USB_PACKET_BYTES * (usb.counters.packets_out - before.packets);
    console.log(`flood: ${taken / FLOOD_MS} bytes a ms taken, ${bench.pongs() - before.pongs} pings answered`);
    expect(taken / FLOOD_MS).toBeGreaterThan(1000);
    expect(bench.pongs()).toBeGreaterThan(before.pongs);
    await bench.run(500);
    for (let tries = 0; !bench.session.port.open && tries < 50; tries += 1) await bench.run(100);
    const after = await bench.request("counters_get", {});
    if (calm.kind !== "answer" || after.kind !== "answer") throw new Error("no answer");
    const bad = ({ crc, malformed, oversize }: Message<"counters_answer">): number => crc + malformed + oversize;
    expect(after.body.lua_errors).toBe(0);
    expect(bad(after.body) - bad(calm.body)).toBeGreaterThan(1000);
    expect(rail(bench).switchOn).toBe(true);
    expect(counters.restarts).toBe(0);
  });

  test("stop/continue: a board whose time stands for two seconds, with its host's going on, keeps its channel on and is taken again", async () => {
    const { rung, bench } = await onBoard();
    const epoch = bench.welcome()?.epoch;
    const { advance } = rung;
    rung.advance = () => undefined;
    await bench.run(2000);
    expect(bench.session.port.open).toBe(false);
    rung.advance = advance;
    await bench.run(2500);
    expect(bench.session.port.open).toBe(true);
    expect(bench.welcome()?.epoch).toBe(epoch);
    expect(await bench.request("channel_get", { channel: 1 })).toMatchObject({
      kind: "answer",
      body: { switch_on: 1, fault: 0 },
    });
    expect(rung.board.counters.restarts).toBe(0);
  });

  test("uptime-wrap: 2^32 ms after its start a board keeps its channel on, serves its host, and sleeps as much as before", async () => {
    const { rung, bench } = await onBoard();
    const instructionsPerMs = async (): Promise<number> => {
      const before = rung.board.instructions();
      await bench.run(500);
      expect(rail(bench).switchOn).toBe(true);
      return (rung.board.instructions() - before) / 500;
    };
    const before = await instructionsPerMs();
    const clock = await imageSymbol("clock_us");
    const wraps_us = 2 ** 32 * 1000;
    const start_us = wraps_us - 4_000_000;
    rung.board.poke(clock, start_us % 2 ** 32);
    rung.board.poke(clock + 4, Math.floor(start_us / 2 ** 32));
    for (let ms = 0; ms < 8000; ms += 10) {
      await bench.run(10);
      expect([ms, rail(bench).switchOn]).toEqual([ms, true]);
    }
    expect(await bench.request("channel_get", { channel: 1 })).toMatchObject({
      kind: "answer",
      body: { switch_on: 1 },
    });
    expect(await instructionsPerMs()).toBeLessThan(1.2 * before);
    expect(await power(bench, PowerAction.cycle)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    expect(await power(bench, PowerAction.off)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    expect(rung.board.counters.restarts).toBe(0);
  });

  test("marker-storm: targets that toggle their markers at 4 kHz neither restart the board nor cost more than counted edges", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    let toggled = 0;
    for (let ms = 0; ms < 2000; ms += 1) {
      for (let channel = 1; channel <= 4; channel += 1) {
        bench.electronics.marker(channel, ms % 2 === 0 ? 1 : 0, bench.electronics.now_us());
        toggled += 1;
      }
      await bench.run(1);
    }
    await bench.run(1000);
    const drops = await bench.request("drops_get", {});
    const told = bench.messages.filter(({ name }) => name === "marker_edge").length;
    expect(drops.kind === "answer" ? Number(drops.body.edges_lost) + told : drops).toBe(toggled);
    expect(told).toBeGreaterThan(100);
    expect(rail(bench).switchOn).toBe(true);
    expect(rung.board.counters.restarts).toBe(0);
  });

  test("a board that sleeps and streams is never bitten: ten seconds without a restart", async () => {
    const { rung, bench } = await onBoard();
    await bench.run(10_000);
    expect(rung.board.counters.restarts).toBe(0);
    expect(rail(bench).switchOn).toBe(true);
  });

  test("the UF2 file boots: its loader, run where the boot ROM runs it, starts the image", async () => {
    const bench = await openBench(await rp2040Image("uart", "loader"));
    expect(bench.welcome()).toMatchObject({ kind: "monitoring" });
    expect((await bench.request("echo", { data: "loaded" })).kind).toBe("answer");
  });
});
