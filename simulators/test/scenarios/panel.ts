import { Outcome, PowerAction, Press } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { busyRack, staysDark } from "./busy-rack.ts";
import { power, rail, type Scenario, send } from "./scenario.ts";
import { switchChannel } from "./settings.ts";

export const needs = ["panel", "rack", "buttons", "power", "physics"];
/** Stop is tried on a rack in which a strap sequence and a cycle are under way. */
export const stopNeeds = [...needs, "lines", "settings"];
/** A page change may show a mixture of both pages for so long; an eye sees a change, not a mixture. */
const MIXTURE_MS = 60;
/** Stop is held for two seconds; debouncing and the next turn of the board come on top. */
const STOP_MS = 2050;

export const rows = (bench: Bench): string[] => bench.electronics.lcd.rows().map((row) => row.trimEnd());

export async function press(bench: Bench, button: "up" | "down" | "select" | "stop", ms = 100): Promise<void> {
  bench.press(button, ms);
  await bench.run(ms + 400);
}

/** Holds Stop and gives the time until every switch was open. */
async function stop(bench: Bench, meanwhile: () => void = () => undefined): Promise<number> {
  bench.press("stop", 2200);
  let ms = 0;
  for (; bench.world.switches().includes(1) && ms < 3000; ms += 1) {
    meanwhile();
    await bench.run(1);
  }
  return ms;
}

function presses(bench: Bench): number[][] {
  return bench.messages
    .filter((m) => m.name === "button")
    .map((m) => [m.body["button"] as number, m.body["press"] as number]);
}

/** A hard over-current on channel 2, which was off. */
export async function tripSecond(bench: Bench): Promise<void> {
  expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
  await bench.run(100);
  const second = bench.world.rails[1] as ReturnType<typeof rail>;
  second.extra_a = 3.3;
  await bench.run(200);
  second.extra_a = 0;
  await bench.run(500);
}

export const panelScenarios: Scenario[] = [
  {
    name: "press and lcd: Down shows the next channel, Stop held for 2 s switches everything off",
    needs: stopNeeds,
    async run(bench) {
      await busyRack(bench, 5000);
      expect(bench.electronics.lcd.rows()[0]).toMatch(/^1 /);
      bench.press("down", 100);
      await bench.run(600);
      expect(bench.electronics.lcd.rows()[0]).toMatch(/^2 /);
      expect(bench.electronics.lcd.busyViolations).toBe(0);
      expect(bench.electronics.lcd.setupViolations).toBe(0);
      bench.press("stop", 2200);
      await bench.run(2600);
      expect(bench.messages.some((m) => m.name === "button" && m.body["press"] === 3)).toBe(true);
      await staysDark(bench);
    },
  },
  {
    name: "rack pages: supply, power, temperature, leases and faults, walked through with Up and Down; Select shows more of a board",
    needs,
    async run(bench) {
      bench.electronics.temperature_mdeg = 31_300;
      await power(bench, PowerAction.on);
      await bench.request("target_names", { channel: 1, name: "a-target-whose-name-has-32-chars" });
      await bench.request("panel_lease", { channel: 1, left_s: 150, holder: "alice" });
      await bench.run(1600);
      // The end of a long name is cut with a mark, which the display shows as an arrow.
      expect(rows(bench)[0]).toBe("1 a-target-whose-na→");
      expect(rows(bench)[3]).toMatch(/^for alice 2m$/);
      await press(bench, "select");
      expect(rows(bench)).toEqual(["1 a-target-whose-nam", "e-has-32-chars", "for alice 2m", "no fault"]);
      await press(bench, "up");
      expect(rows(bench)[0]).toBe("faults: 0");
      await press(bench, "up");
      expect(rows(bench).slice(0, 2)).toEqual(["leases: 1", "1 alice 2m"]);
      await press(bench, "up");
      const [first, second, third] = rows(bench);
      expect(first).toMatch(/^5\.\d{3} V 31\.[23] C$/);
      expect(third).toMatch(/^1\+2-3-4-5-6-7-8-$/);
      const truth_w = 5.08 * (0.12 + rail(bench).current_a);
      expect(Number(/([0-9.]+) W$/.exec(second as string)?.[1])).toBeCloseTo(truth_w, 1);
      const told = bench.messages.filter((m) => m.name === "rack_state").at(-1)?.body;
      expect(told).toMatchObject({ flags: 0, supply_mv: expect.any(Number), temperature_mdeg: 31_250 });
      await press(bench, "select");
      expect(rows(bench)[0]).toMatch(/^1 a-target/);
      await tripSecond(bench);
      await press(bench, "up");
      expect(rows(bench)).toEqual(["faults: 1", "2 hard over-current", "", ""]);
      // The faults' page is about the board with the fault, not about the one that was seen last.
      await press(bench, "select");
      expect(rows(bench)[0]).toBe("2 channel 2");
      expect(rows(bench)[1]).toMatch(/^FAULT 0\.\d{3} V$/);
      expect(rows(bench)[3]).toBe("! hard over-current");
      await press(bench, "select");
      expect(rows(bench)).toEqual(["2 channel 2", "", "not leased", "! hard over-current"]);
      for (let n = 0; n < 4; n += 1) await press(bench, "up");
      expect(rows(bench)[2]).toBe("1+2!3-4-5-6-7-8-");
      expect(bench.electronics.lcd.busyViolations).toBe(0);
    },
  },
  {
    name: "a locked panel refuses what buttons do, shows that it is locked and still stops the rack",
    needs: stopNeeds,
    async run(bench) {
      await busyRack(bench, 7000);
      expect(await bench.request("panel_set", { locked: 1, note: "" })).toMatchObject({ body: { page: "status" } });
      await press(bench, "select", 800);
      expect(rail(bench).switchOn).toBe(true);
      expect(rows(bench)[1]).toBe("panel is locked");
      await bench.run(2000);
      expect(bench.messages.filter((m) => m.name === "rack_state").at(-1)?.body["flags"]).toBe(1);
      expect(await stop(bench)).toBeLessThanOrEqual(STOP_MS);
      await bench.run(400);
      expect(rows(bench)[0]).toBe("RACK STOPPED");
      await staysDark(bench);
    },
  },
  {
    name: "host-dead-at-stop: Stop held for 2 s switches everything off with nobody at the other end of the link",
    needs: stopNeeds,
    async run(bench) {
      await busyRack(bench, 7000);
      await bench.request("panel_lease", { channel: 1, left_s: 0, holder: "carol" });
      bench.unplug();
      await bench.run(3000);
      expect(await stop(bench)).toBeLessThanOrEqual(STOP_MS);
      await staysDark(bench);
    },
  },
  {
    name: "link-flooded-at-stop: Stop held for 2 s switches everything off while the link is full of frames and garbage",
    needs: stopNeeds,
    async run(bench) {
      await busyRack(bench, 4500);
      let turn = 0;
      const flood = (): void => {
        turn += 1;
        // A frame of the session each millisecond as far as its window lets them go, and noise between them.
        void bench.send("echo", { data: "flood" });
        bench.write(Buffer.from(Array.from({ length: 40 }, (_, n) => (turn * 31 + n * 7) & 255)));
      };
      expect(await stop(bench, flood)).toBeLessThanOrEqual(STOP_MS + 50);
      await staysDark(bench);
    },
  },
  {
    name: "buttons are debounced: contacts that bounce are one press; short, long and held are told apart and told once",
    needs,
    async run(bench) {
      const { electronics } = bench;
      // Twelve bounces within 18 ms at the press, and as many at the release.
      for (const [level, settle] of [
        [true, 200],
        [false, 200],
      ] as const) {
        for (let n = 0; n < 12; n += 1) {
          electronics.button("down", n % 2 === 0 ? level : !level);
          await bench.run(1);
        }
        electronics.button("down", level);
        await bench.run(settle);
      }
      await press(bench, "up", 5);
      await press(bench, "up", 700);
      await press(bench, "stop", 300);
      await press(bench, "stop", 1000);
      await press(bench, "stop", 2300);
      expect(presses(bench)).toEqual([
        [2, Press.short],
        [1, Press.long],
        [4, Press.short],
        [4, Press.long],
        [4, Press.held],
      ]);
    },
  },
  {
    name: "the display does not flicker: an unchanged page writes nothing, and a page change shows no mixture for longer than 60 ms",
    needs,
    async run(bench) {
      const { lcd } = bench.electronics;
      const pages = [
        { line1: "the first page", line2: "has two lines", line3: "", line4: "" },
        { line1: "another page", line2: "is not like it", line3: "and has more", line4: "than two lines" },
      ];
      const shown = (page: (typeof pages)[0]): boolean => Object.values(page).join("\n") === rows(bench).join("\n");
      const write = (page: (typeof pages)[0]) => bench.request("panel_write", { ...page, ttl_ms: 0 });
      await write(pages[0] as (typeof pages)[0]);
      await bench.run(300);
      expect(shown(pages[0] as (typeof pages)[0])).toBe(true);
      const before = lcd.strobes;
      await bench.run(2000);
      await write(pages[0] as (typeof pages)[0]);
      await bench.run(500);
      expect(lcd.strobes - before).toBe(0);
      void bench.send("panel_write", { ...(pages[1] as (typeof pages)[0]), ttl_ms: 0 });
      let mixture_ms = 0;
      for (let ms = 0; ms < 400; ms += 1) {
        await bench.run(1);
        if (!pages.some(shown)) mixture_ms += 1;
      }
      expect(shown(pages[1] as (typeof pages)[0])).toBe(true);
      expect(mixture_ms).toBeLessThanOrEqual(MIXTURE_MS);
      expect(lcd.busyViolations).toBe(0);
    },
  },
  {
    name: "locate shows the board's name and blinks the light until its time is over; a page of the host ends it",
    needs: [...needs, "locate"],
    async run(bench) {
      const { electronics } = bench;
      await bench.request("target_names", { channel: 3, name: "a-target-whose-name-has-32-chars" });
      await bench.request("locate", { channel: 3, duration_ms: 3000 });
      await bench.run(200);
      expect(rows(bench)).toEqual(["*** LOCATE ***", "a-target-whose-name→", "channel 3", ""]);
      let changes = 0;
      for (let ms = 0, before = electronics.backlight(); ms < 2500; ms += 10) {
        await bench.run(10);
        if (electronics.backlight() !== before) changes += 1;
        before = electronics.backlight();
      }
      expect(changes).toBeGreaterThanOrEqual(3);
      expect(changes).toBeLessThanOrEqual(7);
      await bench.run(1500);
      expect(rows(bench)[0]).toBe("1 channel 1");
      expect(electronics.backlight()).toBe(true);
      await bench.request("locate", { channel: 3, duration_ms: 60_000 });
      await bench.request("panel_write", { line1: "newest wins", line2: "", line3: "", line4: "", ttl_ms: 0 });
      await bench.run(800);
      expect(rows(bench)[0]).toBe("newest wins");
      expect(electronics.backlight()).toBe(true);
    },
  },
  {
    name: "a part of the rack that is silent is told as silent, and found again",
    needs: [...needs, "breakable"],
    async run(bench) {
      const { board, buses } = bench.electronics;
      const parts = buses[board.panel_bus]?.parts;
      const flags = (): unknown => bench.messages.filter((m) => m.name === "rack_state").at(-1)?.body["flags"];
      await bench.run(1500);
      expect(flags()).toBe(0);
      for (const [address, flag] of [
        [board.thermometer_address, 2],
        [board.supply.address, 4],
      ] as const) {
        const part = parts?.get(address);
        if (parts === undefined || part === undefined) throw new Error(`no part at ${address}`);
        parts.delete(address);
        await bench.run(1500);
        expect(flags()).toBe(flag);
        parts.set(address, part);
        await bench.run(2000);
        expect(flags()).toBe(0);
      }
      void send(bench, PowerAction.on);
      await bench.run(800);
      expect(rail(bench).switchOn).toBe(true);
    },
  },
];
