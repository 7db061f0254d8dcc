import { expect, test } from "vitest";
import { Recording } from "./recording.ts";

const PERIOD_US = 1000;

function block(recording: Recording, first: number, end_us: number): void {
  recording.samples(first, end_us, PERIOD_US, new Array(20).fill(0.1));
}

test("rows that an index skips are lost, and so is the time in which a stream began anew", () => {
  const recording = new Recording(1e-5);
  block(recording, 0, 1000);
  block(recording, 20, 21_000);
  // Twenty rows missing.
  block(recording, 60, 61_000);
  expect(recording.result().samples).toEqual({ received: 60, lost: 20 });
  // The stream begins at 0 again, 900 ms after the last row.
  block(recording, 0, 981_000);
  expect(recording.result().samples).toEqual({ received: 80, lost: 20 + 900 });
});
