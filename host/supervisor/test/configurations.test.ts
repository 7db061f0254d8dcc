import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay } from "./bay.ts";

const hash = "ab".repeat(32);
let bay: TestBay;

beforeAll(async () => {
  const stored = { hash, experiments: [{ name: "x" }] };
  const parameters: Record<string, Record<string, unknown>> = { infer: { threads: 3 } };
  const configurations = {
    get: async (asked: string) => (hash.startsWith(asked) ? stored : undefined),
    parameters: async (asked: string, component: string) =>
      hash.startsWith(asked) ? parameters[component] : undefined,
  };
  bay = await startTestBay({ options: { configurations } });
});
afterAll(() => bay.stop());

test("a configuration is fetched by its hash or the beginning of it, and a component pulls its parameters", async () => {
  expect(await bay.api("GET", `/api/v1/configurations/${hash}`)).toEqual({
    status: 200,
    json: { hash, experiments: [{ name: "x" }] },
  });
  expect((await bay.api("GET", "/api/v1/configurations/abab")).json.hash).toBe(hash);
  expect(await bay.api("GET", `/api/v1/configurations/${hash}/components/infer`)).toEqual({
    status: 200,
    json: { component: "infer", parameters: { threads: 3 } },
  });
});

test("what is not stored, and what is no hash, is refused by its code", async () => {
  for (const [path, status, code] of [
    ["/api/v1/configurations/cdef", 404, "unknown-configuration"],
    [`/api/v1/configurations/${hash}/components/other`, 404, "unknown-configuration"],
    ["/api/v1/configurations/xyz", 422, "malformed"],
    ["/api/v1/configurations/ab", 422, "malformed"],
  ] as const)
    expect(await bay.api("GET", path)).toMatchObject({ status, json: { code } });
});
