import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

const message = (topic: string, payload: string, retain: boolean, qos: 0 | 1, answer = false) => ({
  ...{ topic, payload, retain, qos, answer },
});

test("of a state the newest alone waits, answers keep their order, events of QoS 0 do not wait; all is counted", () => {
  const box = new Outbox({ answers: 2, events: 2 });
  box.put(message("s", "on", true, 1));
  box.put(message("a1", "accepted", false, 1, true));
  box.put(message("e", "line", false, 0));
  box.put(message("s", "off", true, 1));
  box.put(message("a2", "done", false, 1, true));
  expect(box.size()).toBe(3);
  expect([box.take(), box.take(), box.take(), box.take()].map((entry) => entry?.payload)).toEqual([
    "accepted",
    "done",
    "off",
    undefined,
  ]);
  expect(box.counters).toEqual({ coalesced: 1, dropped: 1 });
});

test("events that come while the broker is away push each other out, and never an answer", () => {
  const box = new Outbox({ answers: 2, events: 3 });
  box.put(message("a1", "done", false, 1, true));
  for (let edge = 0; edge < 10; edge += 1) box.put(message("marker", `${edge}`, false, 1));
  box.put(message("a2", "unknown", false, 1, true));
  expect(box.counters.dropped).toBe(7);
  const left = Array.from({ length: 6 }, () => box.take()?.payload);
  expect(left).toEqual(["done", "unknown", "7", "8", "9", undefined]);
});
