import { expect, test } from "vitest";
import { createTickCounter } from "./ticks.ts";

const MINUTE_US = 60e6;
const WRAP = 2 ** 32;

test("a count grows over wraps of the tick, also where an hour lies between two of them", () => {
  const { wide } = createTickCounter();
  let at = 4_000_000_000;
  for (const minutes of [0, 1, 30, 36, 50, 60, 0.001]) {
    at += minutes * MINUTE_US;
    expect(wide(at % WRAP)).toBe(at);
  }
  // Out of order, on both sides of a wrap.
  const edge = Math.ceil(at / WRAP) * WRAP;
  expect(wide((edge + 5) % WRAP)).toBe(edge + 5);
  expect(wide((edge - 5) % WRAP)).toBe(edge - 5);
  expect(wide((edge + 6) % WRAP)).toBe(edge + 6);
});

test("after a silence of any length the count goes on where it must have come to", () => {
  const { wide, reach } = createTickCounter();
  let at = 1000;
  reach(99);
  expect(wide(at)).toBe(at);
  for (const minutes of [72, 144, 10_000]) {
    at += minutes * MINUTE_US;
    // What is known of the time is late by what a first block takes, or early by an hour.
    reach(minutes === 144 ? at - 60 * MINUTE_US : at + 2e6);
    expect(wide(at % WRAP)).toBe(at);
    at += 10_000;
    expect(wide(at % WRAP)).toBe(at);
  }
});
