import { expect, test } from "vitest";
import { type Bench, openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";

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

test("panel: locate shows the board's name and blinks the light until its time is over; a page of the host ends it", async () => {
  const bench = await openBench(await luaBoard());
  const { electronics } = bench;
  await bench.request("target_names", { channel: 3, name: NAME });
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
  await bench.stop();
});
