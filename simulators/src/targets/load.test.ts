import { expect, test } from "vitest";
import { createCpuLoad } from "./load.ts";

test("a busy core shows between its readings", () => {
  const load = createCpuLoad(2);
  load.reading(0n, 0);
  load.reading(20_000_000n, 20_000);
  expect(load.busy(5_000, 15_000)).toBeCloseTo(1);
  expect(load.busy(20_000, 30_000)).toBe(0);
});

test("time that the kernel charged late is spread over what the processors could have given, and none is lost", () => {
  const load = createCpuLoad(2);
  load.reading(0n, 0);
  load.reading(0n, 60_000);
  load.reading(60_000_000n, 62_000);
  for (let at = 0; at < 62_000; at += 1000) expect(load.busy(at, at + 1000)).toBeLessThanOrEqual(2.001);
  expect(load.busy(0, 62_000) * 62_000).toBeCloseTo(60_000);
});

test("late readings that overlap never add up to more than the processors", () => {
  const load = createCpuLoad(2);
  load.reading(0n, 0);
  load.reading(20_000_000n, 10_000);
  load.reading(60_000_000n, 12_000);
  for (let at = 0; at < 12_000; at += 500) expect(load.busy(at, at + 500)).toBeLessThanOrEqual(2);
});

test("two readings within a kernel tick that show no change mean nothing", () => {
  const load = createCpuLoad(1);
  load.reading(0n, 0);
  load.reading(0n, 3_000);
  load.reading(6_000_000n, 6_000);
  expect(load.busy(0, 6_000)).toBeCloseTo(1);
});
