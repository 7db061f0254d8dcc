import { createBoardSession, nodeSeal, PING_EVERY_MS } from "@mltb/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeviceLink } from "./device-link.ts";
import type { TransportHandlers } from "./transport.ts";

const ONE_WAY_MS = 5;
const PINGS = 40;
/** The board's clock is so much faster than the host's. */
const DRIFT_PPM = 400;
/** What the board's clock said when the host's was at zero: an hour and more is passed, and 32 bits are exceeded underway. */
const OFFSET_US = 2 ** 32 - 3_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Tick of the board at a moment of the host. */
const tickAt = (host_ms: number): number => Math.floor(OFFSET_US + host_ms * 1000 * (1 + DRIFT_PPM / 1e6)) >>> 0;

/** A link to a board whose clock drifts, over a line that takes its time both ways. */
function linkToBoard(): { link: DeviceLink; run(ms: number): Promise<void> } {
  let handlers: TransportHandlers | undefined;
  const later = (told: () => void): void => void setTimeout(told, ONE_WAY_MS);
  const board = createBoardSession(
    {
      write: (bytes) => later(() => handlers?.onBytes(Buffer.from(bytes, "latin1"))),
      room: () => 9999,
    },
    nodeSeal,
    {
      welcome: () => ({
        major: 1,
        minor: 0,
        nonce: 0,
        epoch: 1,
        window: 4,
        body_limit: 243,
        fingerprint: 0,
        reset_cause: 0,
        uptime_ms: 0,
        kind: "test",
        serial: "T1",
        firmware: "0",
        capabilities: "",
      }),
      onRequest: (_name, _body, tag) => board.refuse(tag, 1, ""),
      onHost: () => undefined,
      ticks_us: () => tickAt(performance.now()),
    },
  );
  const link = new DeviceLink(
    {
      name: "memory:test",
      async open(to) {
        handlers = to;
      },
      write: (bytes) => {
        const text = Buffer.from(bytes).toString("latin1");
        later(() => board.rx(text, Math.floor(performance.now())));
      },
      room: () => 9999,
      close: async () => undefined,
    },
    { onLifecycle: () => undefined, onWelcome: () => undefined, onMessage: () => undefined },
    7,
  );
  return {
    link,
    async run(ms) {
      for (let i = 0; i < ms; i += 1) {
        await vi.advanceTimersByTimeAsync(1);
        board.tick(Math.floor(performance.now()), 10);
      }
    },
  };
}

test("a link's pings teach it the board's clock: drift, bound, and the host's time of a tick that has been told", async () => {
  const { link, run } = linkToBoard();
  link.start();
  await run(PINGS * PING_EVERY_MS);
  const event_ms = performance.now();
  const tick_us = tickAt(event_ms);
  await run(50);
  const quality = link.clock.quality();
  expect(quality?.exchanges).toBeGreaterThan(PINGS / 2);
  expect(Math.abs((quality?.drift_ppm ?? 0) - DRIFT_PPM)).toBeLessThan(20);
  expect(quality?.bound_us).toBeGreaterThanOrEqual(1000 * ONE_WAY_MS - 1);
  expect(quality?.bound_us).toBeLessThan(1000 * (ONE_WAY_MS + 2));
  const told_ms = link.clock.hostTime_ms(tick_us) ?? Number.NaN;
  expect(Math.abs(told_ms - event_ms) * 1000).toBeLessThanOrEqual(quality?.bound_us ?? 0);
  expect(Math.abs(told_ms - event_ms)).toBeLessThan(2);
  await link.stop();
});
