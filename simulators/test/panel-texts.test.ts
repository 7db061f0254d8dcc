import { bodyCheck, Fault, PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import type { Rail } from "../src/world/rail.ts";
import { type Bench, openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { switchChannel } from "./scenarios/settings.ts";

const COLUMNS = 20;
const NAME = "a-target-whose-name-has-32-chars";
const HOLDER = "a-holder-of-a-very-long-name-indeed";

const rows = (bench: Bench): string[] => bench.electronics.lcd.rows().map((row) => row.trimEnd());

async function press(bench: Bench, button: "up" | "down" | "select", ms = 100): Promise<void> {
  bench.press(button, ms);
  await bench.run(ms + 500);
}

test("panel: what is too long for its row ends with a mark on every page, and the time left is never cut", async () => {
  const bench = await openBench(await luaBoard());
  for (let channel = 1; channel <= 8; channel += 1) {
    await bench.request("target_names", { channel, name: NAME });
    await bench.request("panel_lease", { channel, left_s: 150, holder: HOLDER });
  }
  await bench.request("panel_lease", { channel: 8, left_s: 0, holder: HOLDER });
  await bench.request("panel_set", { locked: 0, note: "a note of more than twenty characters" });
  await bench.run(800);
  // 20 columns: number and name, 19 characters and the mark, which this display shows as an arrow.
  expect(rows(bench)[0]).toBe("1 a-target-whose-na→");
  expect(rows(bench)[3]).toBe("for a-holder-of-→ 2m");
  await press(bench, "select");
  // Two rows hold a name of 32 characters; one that is longer ends with the mark too.
  expect(rows(bench).slice(0, 3)).toEqual(["1 a-target-whose-nam", "e-has-32-chars", "for a-holder-of-→ 2m"]);
  await bench.request("target_names", { channel: 1, name: `${NAME}-and-then-some` });
  await bench.run(500);
  expect(rows(bench).slice(0, 2)).toEqual(["1 a-target-whose-nam", "e-has-32-chars-and-→"]);
  await press(bench, "select", 800);
  expect(rows(bench).slice(0, 2)).toEqual(["REFUSED, leased by", "a-holder-of-a-→ 2m"]);
  await bench.run(2500);
  await press(bench, "up");
  expect(rows(bench)).toEqual(["faults: 0", "", "", ""]);
  await press(bench, "up");
  expect(rows(bench)).toEqual(["leases: 8", "1 a-holder-of-a-→ 2m", "2 a-holder-of-a-→ 2m", "and 6 more"]);
  await press(bench, "up");
  expect(rows(bench)[2]).toBe("1-2-3-4-5-6-7-8-");
  expect(rows(bench)[3]).toBe("a note of more than→");
  await press(bench, "up");
  // A lease without an end has no time: the whole row is the holder's.
  expect(rows(bench)[3]).toBe("for a-holder-of-a-v→");
  await bench.request("panel_lease", { channel: 8, left_s: 0, holder: "" });
  await bench.run(500);
  expect(rows(bench)[3]).toBe("a note of more than→");
  const lines = { line1: "exactly-20-chars-abc", line2: "twenty-one-characters", line3: "", line4: "x".repeat(60) };
  await bench.request("panel_write", { ...lines, ttl_ms: 1000 });
  await bench.run(300);
  expect(rows(bench)).toEqual(["exactly-20-chars-abc", "twenty-one-characte→", "", `${"x".repeat(19)}→`]);
  await bench.run(1500);
  expect(rows(bench)[0]).toBe("8 a-target-whose-na→");
  for (const row of bench.electronics.lcd.rows()) expect(row).toHaveLength(COLUMNS);
  expect(bench.electronics.lcd.busyViolations).toBe(0);
  await bench.stop();
});

test("panel: a fault stands in words on the page of its board and in the list of faults, which says how many it leaves out", async () => {
  const bench = await openBench(await luaBoard());
  const { rails, breakChannel, skews } = bench.electronics;
  const load = (channel: number): Rail => rails[channel - 1] as Rail;
  const overloaded = async (channel: number): Promise<void> => {
    await switchChannel(bench, channel, PowerAction.on);
    await bench.run(100);
    load(channel).extra_a = 3.3;
    await bench.run(100);
    load(channel).extra_a = 0;
    await bench.run(500);
  };
  const rearm = async (channel: number, fault: number): Promise<void> => {
    expect((await bench.request("rearm", { channel, fault, check: bodyCheck(channel, fault, 0) })).kind).toBe("answer");
    await bench.run(700);
  };
  await overloaded(8);
  await press(bench, "up");
  expect(rows(bench)).toEqual(["faults: 1", "8 hard over-current", "", ""]);
  await rearm(8, Fault.hard_over_current);
  expect(rows(bench)).toEqual(["faults: 0", "", "", ""]);
  await switchChannel(bench, 8, PowerAction.on);
  load(8).extra_a = 1;
  skews[7] = 1.3;
  await bench.run(1500);
  load(8).extra_a = 0;
  expect(rows(bench)).toEqual(["faults: 1", "8 sensor drift", "", ""]);
  skews[7] = 1;
  await bench.run(500);
  await rearm(8, Fault.sensor_drift);
  await overloaded(5);
  for (const channel of [2, 3, 4, 6, 7, 8]) await switchChannel(bench, channel, PowerAction.on);
  await bench.run(100);
  breakChannel(0, "stuck-off");
  breakChannel(1, "stuck-on");
  await switchChannel(bench, 1, PowerAction.on);
  await switchChannel(bench, 2, PowerAction.off);
  breakChannel(2, "sensor-dead");
  // Between the slow limit and the hard one.
  load(4).extra_a = 2.87;
  load(6).extra_v = 0.8;
  breakChannel(6, "stuck-off");
  load(7).extra_a = 0.2;
  load(8).extra_a = -0.6;
  await bench.run(200);
  for (const channel of [4, 7, 8]) load(channel).extra_a = 0;
  load(6).extra_v = 0;
  await bench.run(1000);
  expect(rows(bench)).toEqual(["faults: 8", "1 on not proved", "2 off not proved", "and 6 more"]);
  const words = [
    "on not proved",
    "off not proved",
    "sensor dead",
    "over-current",
    "hard over-current",
    "over-voltage",
    "under-voltage",
    "reverse current",
  ];
  for (const [n, word] of words.entries()) {
    await press(bench, "down");
    expect([rows(bench)[0], rows(bench)[3]]).toEqual([`${n + 1} channel ${n + 1}`, `! ${word}`]);
  }
  await press(bench, "down");
  expect(rows(bench)[2]).toBe("1!2!3!4!5!6!7!8!");
  // Three fit below the title.
  for (const channel of [1, 2, 3]) breakChannel(channel - 1, "none");
  await bench.run(1500);
  await rearm(1, Fault.on_unproved);
  await rearm(2, Fault.off_unproved);
  await rearm(3, Fault.sensor_dead);
  await rearm(4, Fault.over_current);
  for (let n = 0; n < 2; n += 1) await press(bench, "down");
  expect(rows(bench)).toEqual(["faults: 4", "5 hard over-current", "6 over-voltage", "and 2 more"]);
  await rearm(5, Fault.hard_over_current);
  expect(rows(bench)).toEqual(["faults: 3", "6 over-voltage", "7 under-voltage", "8 reverse current"]);
  await bench.stop();
});
