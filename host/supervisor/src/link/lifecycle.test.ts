import { expect, test } from "vitest";
import { type Lifecycle, lifecycleEvents, lifecycles, nextLifecycle } from "./lifecycle.ts";

/** Every state and every event; what is not listed leaves the state as it is. */
const moves: Record<Lifecycle, string> = {
  absent: "found:opening",
  opening: "opened:handshaking open-failed:absent missing:absent closed:absent",
  handshaking: "welcomed:ready closed:absent missing:absent",
  ready: "silent:lost closed:lost missing:lost errors:degraded",
  degraded: "silent:lost closed:lost missing:lost clean:ready welcomed:ready",
  lost: "welcomed:ready missing:absent",
};

test("all 60 pairs of state and event", () => {
  expect(lifecycles.length * lifecycleEvents.length).toBe(60);
  for (const state of lifecycles) {
    const listed = new Map(moves[state].split(" ").map((move) => move.split(":") as [string, string]));
    for (const event of lifecycleEvents) {
      const expected = event === "stopped" ? "absent" : (listed.get(event) ?? state);
      expect(nextLifecycle(state, event), `${state} + ${event}`).toBe(expected);
    }
  }
});

test("every state is reached from every other one", () => {
  for (const from of lifecycles) {
    const seen = new Set<Lifecycle>([from]);
    for (const state of seen) for (const event of lifecycleEvents) seen.add(nextLifecycle(state, event));
    expect([...seen].sort(), from).toEqual([...lifecycles].sort());
  }
});

test("all sequences of six events: a board is usable only while the last session that was welcomed still stands", () => {
  const usable = (state: Lifecycle): boolean => state === "ready" || state === "degraded";
  let walked = 0;
  const walk = (state: Lifecycle, session: boolean, depth: number): void => {
    if (usable(state) && !session) throw new Error(`${state} without a session`);
    walked += 1;
    if (depth === 0) return;
    for (const event of lifecycleEvents) {
      const next = nextLifecycle(state, event);
      const ends = ["silent", "closed", "missing", "stopped"].includes(event);
      // A welcome counts where somebody is listening for one.
      const begins = event === "welcomed" && ["handshaking", "lost", "ready", "degraded"].includes(state);
      walk(next, begins || (session && !ends), depth - 1);
    }
  };
  walk("absent", false, 6);
  expect(walked).toBe(1_111_111);
});
