import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { npmEnv } from "../../../.ci/npm-env.ts";
import { asyncapi } from "./index.ts";

/** Reads a document from standard input and prints what the parser says of it. */
const judge = `
import { Parser } from "@asyncapi/parser";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = await new Parser().validate(text);
console.log(JSON.stringify(found.map(({ severity, code, path, message }) => ({ severity, code, path, message }))));
`;
const WARNING = 1;

test("the AsyncAPI document of a bay is valid for AsyncAPI's own parser, and a fault in it is found", async ({
  skip,
}) => {
  const env = await npmEnv("asyncapi");
  if ("missing" in env) return skip(`@asyncapi/parser cannot be installed: ${env.missing}`);
  const ask = (document: Record<string, unknown>): { severity: number; code: string }[] => {
    const input = JSON.stringify(document);
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", judge], {
      ...{ cwd: env.folder, input, encoding: "utf8" },
    } as never) as unknown as string;
    return JSON.parse(out);
  };
  const faults = (document: Record<string, unknown>) => ask(document).filter(({ severity }) => severity <= WARNING);
  expect(faults(asyncapi("demo", "0.1.0"))).toEqual([]);
  expect(faults(asyncapi(undefined, "0.1.0"))).toEqual([]);
  expect(faults({ ...asyncapi("demo", "0.1.0"), operations: { bad: { action: "shout" } } })).not.toEqual([]);
});
