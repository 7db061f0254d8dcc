import { expect, test } from "vitest";
import { ClockWatch } from "./clock.ts";

test("clock-step-back: a command that had expired stays expired, and for a minute both clocks count; then the new one", () => {
  let mono = 0;
  let wall = 1_000_000;
  const watch = new ClockWatch({ mono: () => mono, wall: () => wall });
  const pass = (ms: number): void => {
    mono += ms;
    wall += ms;
    watch.look();
  };
  const expires = wall + 5000;
  pass(6000);
  expect(watch.isOver(expires)).toBe(true);
  wall -= 3_600_000;
  pass(0);
  expect([watch.steps, watch.lastStep_ms]).toEqual([1, -3_600_000]);
  expect(watch.isOver(expires)).toBe(true);
  expect(watch.isOver(wall + 5000)).toBe(true);
  pass(61_000);
  expect(watch.isOver(wall + 5000)).toBe(false);
});

test("clock-step-forward is seen once; a clock that is slewed is none", () => {
  let mono = 0;
  let wall = 0;
  const watch = new ClockWatch({ mono: () => mono, wall: () => wall });
  for (let i = 0; i < 1000; i += 1) {
    mono += 1000;
    wall += 1001;
    watch.look();
  }
  expect(watch.steps).toBe(0);
  wall += 10_000;
  watch.look();
  watch.look();
  expect(watch.steps).toBe(1);
});
