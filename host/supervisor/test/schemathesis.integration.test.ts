import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openapi } from "@mltb/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonEnv } from "../../../.ci/python-env.ts";
import { startTestBay, type TestBay } from "./bay.ts";

const run = promisify(execFile);
const python = await pythonEnv("schemathesis");
// Both cases are skipped where the pinned Python environment cannot be made; `pythonEnv` says what is missing.
const there = !("missing" in python);
const LONG = process.env["MLTB_LONG"] === "1";
const examples = LONG ? 200 : 12;
const TIMEOUT_MS = LONG ? 900_000 : 120_000;

let bay: TestBay;
let folder: string;

beforeAll(async () => {
  if (!there) return;
  folder = mkdtempSync(join(tmpdir(), "mltb-schemathesis-"));
  bay = await startTestBay({ options: { rates: { login: 100_000, stranger: 100_000 } } });
});
afterAll(async () => {
  if (!there) return;
  await bay.stop();
  rmSync(folder, { recursive: true });
});

async function judged(command: string, args: string[]): Promise<{ code: number; text: string }> {
  const options = { cwd: folder, maxBuffer: 64 << 20, env: { ...process.env, NO_COLOR: "1" } };
  return run(command, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, text: `${stdout}${stderr}` }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: `${error.stdout}${error.stderr}`,
    }),
  );
}

test.skipIf(!there)("the OpenAPI document is valid by openapi-spec-validator", async () => {
  if ("missing" in python) throw new Error(python.missing);
  const file = join(folder, "openapi.json");
  writeFileSync(file, JSON.stringify(openapi("demo", "0.1.0")));
  expect(await judged(python.python, ["-m", "openapi_spec_validator", file])).toMatchObject({ code: 0 });
});

test.skipIf(!there)(
  "schemathesis finds no answer that the document does not tell of",
  { timeout: TIMEOUT_MS },
  async () => {
    if ("missing" in python) throw new Error(python.missing);
    const token = readFileSync(bay.supervisor.tokenFile, "utf8").trim();
    const file = join(folder, "live.json");
    const document = (await bay.api("GET", "/openapi.json")).json;
    // Streams never end; a deferred command outlives its case.
    for (const path of ["/api/v1/events", "/api/v1/targets/{target}/samples", "/api/v1/leases/{id}/hold"]) {
      delete document.paths[path];
    }
    delete document.paths["/api/v1/targets/{target}/console"];
    // One key with two different commands is refused on purpose; schemathesis would take one key for many.
    for (const path of Object.values<Record<string, { parameters?: { name: string }[] }>>(document.paths)) {
      for (const operation of Object.values(path)) {
        operation.parameters = operation.parameters?.filter(({ name }) => name !== "Idempotency-Key");
      }
    }
    writeFileSync(file, JSON.stringify(document));
    const ended = await judged(python.bin("schemathesis"), [
      ...["run", file, "--url", bay.supervisor.http, "--header", `Authorization: Bearer ${token}`],
      ...["--checks", "all", "--max-examples", String(examples), "--seed", "7"],
      // One worker is as fast; with two the tool itself ended once with "AST constructor recursion depth mismatch".
      ...["--phases", "examples,coverage,fuzzing", "--workers", "1", "--suppress-health-check", "all"],
    ]);
    expect([ended.code, ended.code === 0 ? "" : ended.text.slice(-6000)]).toEqual([0, ""]);
    // Nothing that was sent in the wrong has hurt the bay.
    expect((await bay.api("GET", "/api/v1/health")).json.state).toBe("ok");
  },
);
