import { allMessages, Kind } from "@mltb/protocol";
import { expect, test } from "vitest";
import { parityTests, vectors } from "./codec-parity.ts";

parityTests("Lua");

test("every kind of frame is in the golden file", () => {
  const kinds = new Set(vectors.map((vector) => (Buffer.from(vector.wire, "hex").length > 0 ? vector.message : "")));
  const used = new Set(
    allMessages()
      .filter((message) => kinds.has(message.name))
      .map((message) => message.kind),
  );
  expect([...used].sort()).toEqual(Object.keys(Kind).sort());
});
