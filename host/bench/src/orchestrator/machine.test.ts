import { expect, test } from "vitest";
import { apply, EventError, finished, replay, statuses } from "./machine.ts";
import { work } from "./worker.ts";
import { forwardPhases, type NodeSpec, type RunEvent } from "./workflow.ts";

const nodes: NodeSpec[] = ["first", "second"].map((id, i) => ({
  ...{ id, service: "s", component: "c", phases: forwardPhases(), retries: 0, parameters: {} },
  after: i === 0 ? [] : ["first"],
}));
const submitted: RunEvent = { type: "submitted", workflow: { run_id: "r", nodes } };
const cancelled: RunEvent = { type: "cancelled", reason: "late", author: "somebody" };
/** The first node fails and is brought down, the second never begins. */
const ended: RunEvent[] = [
  submitted,
  { type: "started", node: "first", phase: "init", attempt: 1 },
  { type: "failed", node: "first", phase: "init", attempt: 1, reason: "broken", permanent: true },
  { type: "started", node: "first", phase: "deinit", attempt: 1 },
  { type: "succeeded", node: "first", phase: "deinit", attempt: 1 },
];
const told = [
  ["first", "failed"],
  ["second", "skipped"],
];

test("a run that has ended cannot be cancelled, and its history stays as it was", () => {
  const state = replay(ended);
  expect(finished(state)).toBe(true);
  expect(() => apply(state, cancelled)).toThrow(EventError);
  expect([[...statuses(state)], state.cancelled]).toEqual([told, undefined]);
  // A moment before it can.
  expect(apply(replay(ended.slice(0, -1)), cancelled).cancelled).toMatchObject({ reason: "late" });
});

test("a cancellation that stands behind the end of a journal changes nothing", () => {
  const state = replay([...ended, cancelled, cancelled]);
  expect([[...statuses(state)], state.cancelled]).toEqual([told, undefined]);
});

test("a worker that is told to stop when all is done writes no cancellation", async () => {
  const events: RunEvent[] = [submitted];
  const stop = new AbortController();
  const journal = {
    append: async (_: string, after: number, event: RunEvent) => after === events.length && events.push(event) > 0,
    read: async (_: string, from: number) => events.slice(from),
  };
  const effects = {
    run: async (action: { node: string; phase: string }) => {
      // Of the two the first is brought down last.
      if (action.node === "first" && action.phase === "deinit") stop.abort();
      return { output: undefined };
    },
  };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
  const state = await work(journal, effects, "r", { signal: stop.signal, pause });
  expect([...statuses(state).values()]).toEqual(["done", "done"]);
  expect(events.filter(({ type }) => type === "cancelled")).toEqual([]);
});
