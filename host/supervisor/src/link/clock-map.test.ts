import { expect, test } from "vitest";
import { createClockMap } from "./clock-map.ts";

/** Seeded uniform numbers. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("drift of 40 ppm and an offset are found through jitter and queueing, also over the wrap of the tick", () => {
  const map = createClockMap();
  const next = uniform(3);
  const device = (host_ms: number): number => (4_294_000_000 + host_ms * 1000 * (1 + 40e-6)) % 2 ** 32;
  let now = 1000;
  for (let n = 0; n < 120; n += 1) {
    now += 230;
    const there = 0.2 + next() * 0.1;
    const back = 0.2 + next() * 0.1;
    // Every fifth exchange is held up by something big on the link.
    const queued = n % 5 === 0 ? next() * 20 : 0;
    map.exchange(now, now + there + back + queued, Math.floor(device(now + there)));
  }
  const quality = map.quality();
  expect(quality?.drift_ppm).toBeCloseTo(40, 0);
  expect(quality?.residual_us).toBeLessThan(60);
  expect(quality?.bound_us).toBeLessThan(350);
  const event_ms = now - 500;
  expect(Math.abs((map.hostTime_ms(Math.floor(device(event_ms))) ?? 0) - event_ms)).toBeLessThan(0.1);
});

test("a map says nothing before it knows enough, and forgets a board that restarted", () => {
  const map = createClockMap();
  map.exchange(0, 1, 100);
  map.exchange(230, 231, 230_100);
  expect(map.quality()).toBeUndefined();
  expect(map.hostTime_ms(5)).toBeUndefined();
  for (let n = 2; n < 8; n += 1) map.exchange(n * 230, n * 230 + 1, n * 230_000 + 100);
  expect(map.quality()?.exchanges).toBe(8);
  map.forget();
  expect(map.quality()).toBeUndefined();
});

test("a map begins anew behind a long silence, in which the tick may have wrapped unseen", () => {
  for (const silent_ms of [50 * 60_000, 100 * 60_000]) {
    const map = createClockMap();
    const device = (host_ms: number): number => (host_ms * 1000) % 2 ** 32;
    const pings = (from_ms: number): void => {
      for (let n = 0; n < 5; n += 1) map.exchange(from_ms + n * 230, from_ms + n * 230 + 1, device(from_ms + n * 230));
    };
    pings(0);
    map.exchange(silent_ms, silent_ms + 1, device(silent_ms));
    expect(map.quality()).toBeUndefined();
    pings(silent_ms + 230);
    expect(map.quality()?.exchanges).toBe(6);
    expect(map.quality()?.drift_ppm).toBeCloseTo(0, 3);
  }
});
