import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

const message = (topic: string, payload: string, retain: boolean, qos: 0 | 1) => ({ topic, payload, retain, qos });

test("of a state the newest alone waits, answers keep their order, events of QoS 0 do not wait; all is counted", () => {
  const box = new Outbox(2);
  box.put(message("s", "on", true, 1));
  box.put(message("a1", "accepted", false, 1));
  box.put(message("e", "line", false, 0));
  box.put(message("s", "off", true, 1));
  box.put(message("a2", "done", false, 1));
  box.put(message("a3", "accepted", false, 1));
  expect(box.size()).toBe(3);
  expect([box.take(), box.take(), box.take(), box.take()].map((entry) => entry?.payload)).toEqual([
    "done",
    "accepted",
    "off",
    undefined,
  ]);
  expect(box.counters).toEqual({ coalesced: 1, dropped: 2 });
});
