import { bodyCheck, ChannelState, Fault, type Message, Outcome, PowerAction } from "@mltb/protocol";
import { expect } from "vitest";
import type { I2cBus } from "../../src/parts/i2c.ts";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { channelState, switchChannel } from "./settings.ts";

/** DESIGN section 4: a sensor that says nothing any more. */
const STALE_MS = 100;
/** A sweep begins every 10 ms and takes its time. */
const SWEEP_MS = 12;
/** A bus that is held must not hold up Lua for longer than this. */
const ANSWER_MS = 20;
/** A display is looked at each second, set up a second after it was found there, and written in some 100 ms. */
const DISPLAY_MS = 2200;
const STATIC = ["a page that stands", "as long as nobody", "writes another,", "and does not blink"] as const;
const OTHER = ["another page", "", "", "of two lines"] as const;
const FREE = { sda_clocks: 0, scl: false };
const SHORTED = { sda_clocks: Number.POSITIVE_INFINITY, scl: false };
const SCL_LOW = { sda_clocks: 0, scl: true };

const needs = ["power", "panel", "drops", "breakable"];

function buses(bench: Bench): { sensors: I2cBus; panel: I2cBus } {
  const { board, buses: all } = bench.electronics;
  return { sensors: all[board.monitor_bus] as I2cBus, panel: all[board.panel_bus] as I2cBus };
}

async function drops(bench: Bench): Promise<Message<"drops_answer">> {
  const answer = await bench.request("drops_get", {});
  if (answer.kind !== "answer") throw new Error(`drops_get: ${answer.kind}`);
  return answer.body;
}

/** Longest answer to an echo while the world is as it is. */
async function slowest_ms(bench: Bench): Promise<number> {
  let slowest = 0;
  for (let n = 0; n < 50; n += 1) {
    const from = bench.clock_us();
    await bench.request("echo", { data: "x" });
    slowest = Math.max(slowest, (bench.clock_us() - from) / 1000);
    await bench.run(13);
  }
  return slowest;
}

/** The first two channels and the last are on. */
const ON = [1, 2, 8];

async function closed(bench: Bench): Promise<void> {
  for (const channel of ON) {
    expect(await switchChannel(bench, channel, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
  }
}

export const busScenarios: Scenario[] = [
  {
    name: "sda-held-on-the-sensor-bus: clocks free it within a sweep, no channel goes off, and it is counted",
    needs,
    async run(bench) {
      await closed(bench);
      const before = await drops(bench);
      for (const sda_clocks of [1, 5, 9]) {
        buses(bench).sensors.hold = { sda_clocks, scl: false };
        let ms = 0;
        for (; buses(bench).sensors.held() && ms < STALE_MS; ms += 1) await bench.run(1);
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(SWEEP_MS);
        await bench.run(60);
        expect(buses(bench).sensors.held()).toBe(false);
      }
      expect(ON.map((channel) => bench.world.switches()[channel - 1])).toEqual([1, 1, 1]);
      for (const channel of ON) {
        expect(await channelState(bench, channel)).toMatchObject({ state: ChannelState.on, fault: Fault.none });
      }
      const after = await drops(bench);
      expect(after.bus_recovered - before.bus_recovered).toBe(3);
      expect(after.bus_stuck).toBe(before.bus_stuck);
    },
  },
  {
    name: "sensor-bus-shorted: channels go off within 500 ms with their fault, panel and link go on; afterwards all is found again",
    needs,
    async run(bench) {
      for (const hold of [SHORTED, SCL_LOW]) {
        await closed(bench);
        const { bus_stuck } = await drops(bench);
        buses(bench).sensors.hold = { ...hold };
        let ms = 0;
        for (; bench.world.switches().includes(1) && ms < 5 * STALE_MS; ms += 1) await bench.run(1);
        expect(ms).toBeLessThanOrEqual(STALE_MS);
        // The faults are noted in the flash 300 ms later, and an erase of a sector holds everything up for 45 ms.
        await bench.run(600);
        expect(await slowest_ms(bench)).toBeLessThan(ANSWER_MS);
        expect(bench.electronics.lcd.rows().join("\n")).toMatch(/FAULT/);
        expect((await drops(bench)).bus_stuck).toBeGreaterThan(bus_stuck);
        buses(bench).sensors.hold = { ...FREE };
        await bench.run(1500);
        const fault = Fault.sensor_dead;
        for (const channel of ON) {
          expect(await channelState(bench, channel)).toMatchObject({ fault, switch_on: 0 });
          await bench.request("rearm", { channel, fault, check: bodyCheck(channel, fault, 0) });
        }
        await bench.run(700);
      }
      await closed(bench);
    },
  },
  {
    name: "panel-bus-shorted: switching, measuring and answering go on in their time; the display has its page again afterwards",
    needs,
    async run(bench) {
      for (const [hold, action, page] of [
        [SHORTED, PowerAction.on, /ON/],
        [SCL_LOW, PowerAction.off, /OFF/],
      ] as const) {
        const { bus_stuck } = await drops(bench);
        buses(bench).panel.hold = { ...hold };
        expect(await power(bench, action)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
        expect(await slowest_ms(bench)).toBeLessThan(ANSWER_MS);
        await bench.run(1000);
        expect(rail(bench).switchOn).toBe(action === PowerAction.on);
        expect((await drops(bench)).bus_stuck).toBeGreaterThan(bus_stuck);
        buses(bench).panel.hold = { ...FREE };
        await bench.run(2500);
        expect(bench.electronics.lcd.rows().join("\n")).toMatch(page);
        expect(bench.electronics.lcd.busyViolations).toBe(0);
      }
    },
  },
  {
    name: "sda-held-on-the-panel-bus: clocks free it and the display loses nothing for good",
    needs,
    async run(bench) {
      buses(bench).panel.hold = { sda_clocks: 7, scl: false };
      bench.press("down", 100);
      await bench.run(2500);
      expect(buses(bench).panel.held()).toBe(false);
      expect(bench.electronics.lcd.rows()[0]).toMatch(/^2 /);
      expect((await drops(bench)).bus_recovered).toBeGreaterThan(0);
    },
  },
  {
    name: "display-absent: the board does without it, counts what was not acknowledged, and sets it up when it is there again",
    needs,
    async run(bench) {
      const { lcd, plugDisplay } = bench.electronics;
      const shown = (): string[] => lcd.rows().map((row) => row.trimEnd());
      const write = ([line1, line2, line3, line4]: typeof STATIC | typeof OTHER) =>
        bench.request("panel_write", { line1, line2, line3, line4, ttl_ms: 0 });
      // A page that does not change: nothing but the board's own look at the display finds it gone.
      await write(STATIC);
      await bench.run(300);
      expect(shown()).toEqual(STATIC);
      const failed = (await drops(bench)).bus_failed;
      plugDisplay(false);
      await bench.run(1500);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
      expect(await slowest_ms(bench)).toBeLessThan(ANSWER_MS);
      expect((await drops(bench)).bus_failed).toBeGreaterThan(failed);
      plugDisplay(true);
      await bench.run(DISPLAY_MS);
      expect(shown()).toEqual(STATIC);
      // A dip of its supply, shorter than the time between two looks.
      plugDisplay(true);
      expect(shown()).toEqual(["", "", "", ""]);
      await bench.run(DISPLAY_MS);
      expect(shown()).toEqual(STATIC);
      // A dip, and what is written next comes before the next look.
      plugDisplay(true);
      await write(OTHER);
      await bench.run(DISPLAY_MS);
      expect(shown()).toEqual(OTHER);
      expect([lcd.busyViolations, lcd.setupViolations]).toEqual([0, 0]);
    },
  },
];
