import { expect, test } from "vitest";
import { RecentBlocks } from "./recent-blocks.ts";

test("a block is told by index and time together, for as long as it is recent", () => {
  const recent = new RecentBlocks();
  expect([recent.had(2, 20_000), recent.had(4, 40_000)]).toEqual([false, false]);
  expect([recent.had(2, 20_000), recent.had(4, 40_000)]).toEqual([true, true]);
  // A stream that began anew has the same indices at other times.
  expect([recent.had(2, 60_000), recent.had(2, 60_000), recent.had(4, 40_000)]).toEqual([false, true, true]);
  for (let n = 0; n < 254; n += 1) recent.had(100 + n, n);
  expect([recent.had(2, 60_000), recent.had(4, 40_000)]).toEqual([true, true]);
  recent.had(1000, 1);
  expect([recent.had(4, 40_000), recent.had(2, 60_000)]).toEqual([false, false]);
});

test("a board that began anew brings nothing again", () => {
  const recent = new RecentBlocks();
  recent.had(2, 20_000);
  recent.forget();
  expect(recent.had(2, 20_000)).toBe(false);
});
