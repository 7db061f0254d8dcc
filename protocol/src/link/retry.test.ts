import { expect, test } from "vitest";
import { RETRY_MAX_MS, RETRY_MIN_MS, SEND_ATTEMPTS, SILENCE_MS } from "../limits.ts";
import { retry, roundTrip, timeoutMs } from "./retry.ts";

function after(...round_trips_ms: number[]) {
  const r = retry();
  for (const ms of round_trips_ms) roundTrip(r, ms);
  return r;
}

test("the first round trip gives three times itself (RFC 6298, 2.2: srtt = R, deviation = R / 2)", () => {
  expect(timeoutMs(after(40), 1)).toBe(120);
  expect(timeoutMs(after(200), 1)).toBe(600);
});

test("the time-out follows the line: steady round trips bring it down to little above them, slow ones up", () => {
  const fast = after(...new Array<number>(40).fill(30));
  expect(timeoutMs(fast, 1)).toBeGreaterThanOrEqual(30);
  expect(timeoutMs(fast, 1)).toBeLessThanOrEqual(45);
  const before = timeoutMs(fast, 1);
  for (let n = 0; n < 40; n += 1) roundTrip(fast, 160);
  expect(timeoutMs(fast, 1)).toBeGreaterThanOrEqual(160);
  expect(timeoutMs(fast, 1)).toBeGreaterThan(3 * before);
});

test("round trips that scatter get more time than steady ones of the same mean", () => {
  const steady = after(...new Array<number>(40).fill(100));
  const scattered = after(...Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 50 : 150)));
  expect(timeoutMs(scattered, 1)).toBeGreaterThan(timeoutMs(steady, 1) + 100);
});

test("each repeat doubles it, inside its bounds", () => {
  const r = after(...new Array<number>(40).fill(30));
  const first = timeoutMs(r, 1);
  expect(timeoutMs(r, 2)).toBe(2 * first);
  expect(timeoutMs(r, 3)).toBe(4 * first);
  expect(timeoutMs(after(900), 4)).toBe(RETRY_MAX_MS);
  const least = after(...new Array<number>(40).fill(1));
  expect(timeoutMs(least, 1)).toBe(RETRY_MIN_MS);
  expect(timeoutMs(least, 3)).toBe(4 * RETRY_MIN_MS);
});

test("on a line without delay the attempts last longer than the silence after which an end is lost", () => {
  const r = after(...new Array<number>(40).fill(0));
  const waits = Array.from({ length: SEND_ATTEMPTS }, (_, n) => timeoutMs(r, n + 1));
  expect(waits[1]).toBe(2 * RETRY_MIN_MS);
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(SILENCE_MS);
});
