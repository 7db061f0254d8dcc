import { expect, test } from "vitest";
import { lateness } from "../src/bay/simulated-racks.ts";

test("a simulated rack that kept up says nothing; one that did not says what it lost", () => {
  expect(lateness("rack1-monitor", { late_edges: 0, skipped_us: 0, given_way: [] })).toBeUndefined();
  expect(lateness("rack1-monitor", { late_edges: 3, skipped_us: 1_250_000, given_way: [] })).toBe(
    "rack1-monitor: this machine was too busy to simulate in real time: 3 marker edges late, 1.3 s of its time skipped",
  );
});
