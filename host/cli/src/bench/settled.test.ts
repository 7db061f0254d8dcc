import { expect, test } from "vitest";
import { settledDone } from "./settled.ts";

/** No rail of the demo bay is discharged sooner, and an off is done when it is proved. */
const DISCHARGE_MS = 20;

test("done of an off contains the discharge of its rail; each command is timed by its own answer", async () => {
  const series = await settledDone(2);
  expect(series.map(({ quantity, times }) => [quantity.split(",")[0], times.length])).toEqual([
    ["on", 2],
    ["off", 2],
    ["on", 2],
    ["off", 2],
  ]);
  for (const { quantity, times } of series) {
    if (quantity.startsWith("off")) expect(Math.min(...times)).toBeGreaterThan(DISCHARGE_MS);
  }
}, 120_000);
