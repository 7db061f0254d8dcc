import { missingImagePackages } from "@mltb/firmware/images";
import { Fault, Outcome, PowerAction } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import type { I2cBus } from "../src/parts/i2c.ts";
import { openBench } from "./bench.ts";
import { ENDLESS_LOOP, imageSymbol, rp2040Image } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

/** DESIGN section 4: a stall of sampler, sensor bus or Lua tick bites within this, and outputs go to their policy. */
const STALL_MS = 500;

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
