import { readFileSync } from "node:fs";
import { readEnvironment } from "@mltb/agent-kit";
import { protoFile } from "@mltb/contract";
import { expect, test } from "vitest";

test("every fact of an environment has its field on the wire, so that none is left on the way", () => {
  const [, message = ""] =
    /^message Environment \{(.*?)^\}/ms.exec(readFileSync(protoFile("mltb_agent_v1"), "utf8")) ?? [];
  const fields = [...message.matchAll(/(\w+) = \d+;/g)].map(([, name]) => name);
  expect(fields.sort()).toEqual([...Object.keys(readEnvironment()), "engine"].sort());
});
