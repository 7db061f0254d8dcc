import { bodyCheck, PowerAction } from "@mltb/protocol";
import { random } from "@mltb/simulators";
import { afterEach, expect, test, vi } from "vitest";
import { busyLink } from "./busy-board.ts";
import { virtualBay } from "./virtual.ts";
import { scale } from "./virtual-commands.ts";

const MINUTES = scale(10, 120, 24 * 60);
const BUNDLE_S = scale(5, 60, 600);
/** Commands in a minute. */
const COMMANDS = 12;
const SEED = 3;
const HELD_MS = 450;

afterEach(() => {
  vi.useRealTimers();
});

test(`no-false-alarm in ${MINUTES} min of virtual time: jitter on the wire, a board that streams, takes commands and writes its flash, a host held up`, {
  timeout: 0,
}, async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const source = random(SEED);
  let held_ms = 0;
  const clock = performance.now.bind(performance);
  // No spy of vitest's: it would keep each of some hundred million calls.
  performance.now = () => clock() + held_ms;
  const states: string[] = [];
  let blocks = 0;
  const busy = busyLink(source, {
    onLifecycle: (state) => states.push(state),
    onWelcome: () => undefined,
    onMessage: (name) => {
      if (name === "sample_block") blocks += 1;
    },
  });
  busy.link.start();
  await vi.advanceTimersByTimeAsync(1000);
  const sent: number[] = [];
  const outcomes = new Map<string, number>();
  const command = (): void => {
    const action = source.uniform() < 0.5 ? PowerAction.on : PowerAction.off;
    sent.push(action);
    const body = { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) };
    void busy.link.request("power_set", body, 5000).then(({ kind }) => {
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    });
  };
  for (let minute = 0; minute < MINUTES; minute += 1) {
    for (let n = 0; n < COMMANDS; n += 1) setTimeout(command, 55_000 * source.uniform());
    const rest_ms = 60_000 * source.uniform();
    await vi.advanceTimersByTimeAsync(rest_ms);
    // This process is held up: its clock goes on, its timers do not.
    held_ms += HELD_MS * source.uniform();
    await vi.advanceTimersByTimeAsync(60_000 - rest_ms);
  }
  expect(states).toEqual(["opening", "handshaking", "ready"]);
  expect(busy.link.session.port.open).toBe(true);
  expect(blocks * 20).toBeGreaterThan(busy.sent() * 0.99);
  expect([...outcomes]).toEqual([["answer", MINUTES * COMMANDS]]);
  expect(busy.taken).toEqual(sent);
  await busy.link.stop();
});

test(`no-false-alarm with the whole bundle: ${BUNDLE_S} s of virtual time, three boards that stream and are commanded`, {
  timeout: 0,
}, async () => {
  const bay = await virtualBay(3);
  const source = random(SEED);
  const alarms: string[] = [];
  await bay.until(() => bay.boards.every(({ board }) => board.link.lifecycle === "ready"), 1000);
  bay.hub.on("lifecycle", (name, state) => alarms.push(`${name} ${state}`));
  let rows = 0;
  bay.hub.on("samples", (block) => {
    rows += block.current_a.length;
  });
  let commands = 0;
  let done = 0;
  const until_ms = bay.now() + BUNDLE_S * 1000;
  while (bay.now() < until_ms) {
    const { board } = bay.boards[Math.floor(source.uniform() * bay.boards.length)] as (typeof bay.boards)[0];
    const action = source.uniform() < 0.5 ? PowerAction.on : PowerAction.off;
    commands += 1;
    const body = { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) };
    void board.link.request("power_set", body, 5000).then(({ kind }) => {
      if (kind === "answer") done += 1;
    });
    await bay.run(Math.floor(source.uniform() * 400));
  }
  await bay.run(1000);
  expect(alarms).toEqual([]);
  expect(done).toBe(commands);
  expect(rows).toBeGreaterThan(BUNDLE_S * 3 * 900);
  await bay.stop();
});
