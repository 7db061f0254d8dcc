import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Call, calls, z } from "@mltb/contract";
import fc from "fast-check";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";
import { boardClient } from "./grpc-client.ts";
import { formsOf, search } from "./secret-search.ts";

const runs = process.env["MLTB_LONG"] === "1" ? 5000 : 150;
const seed = 20261126;

let bay: TestBay;
beforeAll(async () => {
  bay = await startTestBay({ options: { rates: { login: 100_000, stranger: 100_000 } } });
});
afterAll(() => bay.stop());

/** Values that no field wants, and some that one may. */
const junk = fc.oneof(
  fc.constantFrom(
    null,
    "",
    "on",
    "cycle",
    -1,
    0,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    "\u0000",
    "../../etc",
    "x".repeat(5000),
  ),
  fc.string(),
  fc.double(),
  fc.array(fc.jsonValue(), { maxLength: 3 }),
);

/** Arguments of a call, near to what its schema asks for: a field wrong, missing or too many. */
function near(call: Call): fc.Arbitrary<Record<string, unknown>> {
  const names = [...Object.keys(call.params.shape), ...Object.keys(call.body.shape)];
  return fc.record(Object.fromEntries([...names, "extra"].map((name) => [name, junk])), { requiredKeys: [] });
}

/** Calls that change something; leases and recordings are left out, for a right one is no fault. */
const commands = calls().filter(({ call }) => call.command && "target" in call.params.shape);

/** Whether these arguments would be right: then they are not hostile, and not sent. */
function isRight(call: Call, input: Record<string, unknown>): boolean {
  const whole = z.strictObject({ ...call.params.shape, ...call.body.shape });
  return whole.safeParse({ ...input, target: "spare-3" }).success;
}

const pins = (): string => JSON.stringify(bay.rack.electronics.rails.map((rail) => rail.switchOn));

test("hostile-http-bodies: refused by a 4xx, and no pin moves", async () => {
  const before = pins();
  const statuses = new Set<number>();
  for (const { call } of commands) {
    await fc.assert(
      fc.asyncProperty(near(call), async (input) => {
        fc.pre(!isRight(call, input));
        const path = call.path
          .replace("{target}", "spare-3")
          .replace("{fault}", encodeURIComponent(String(input["fault"]).slice(0, 60) || "x"));
        const body = call.takes === "body" ? JSON.stringify(input) : undefined;
        const { status } = await bay.api(call.method, path, body === undefined ? undefined : JSON.parse(body));
        statuses.add(status);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: Math.ceil(runs / commands.length), seed },
    );
  }
  expect(statuses.has(422)).toBe(true);
  expect(pins()).toBe(before);
});

test("hostile-http-bytes: bodies that are no JSON, or not UTF-8, or too large", async () => {
  const before = pins();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const response = await fetch(`${bay.supervisor.http}/api/v1/targets/spare-3/power`, {
        method: "PUT",
        headers: {
          authorization: `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}`,
          "content-type": "application/json",
        },
        body: Buffer.from(bytes),
      });
      expect(response.status).toBe(422);
    }),
    { numRuns: runs, seed },
  );
  expect((await bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "x".repeat(600_000) })).status).toBe(413);
  expect(pins()).toBe(before);
});

test("hostile-grpc-requests: refused by INVALID_ARGUMENT or NOT_FOUND, and no pin moves", async () => {
  const before = pins();
  const client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
  for (const { call } of commands) {
    if (call.grpc === undefined) continue;
    const { method } = call.grpc;
    await fc.assert(
      fc.asyncProperty(near(call), fc.string(), async (input, text) => {
        // Only what protobuf can carry: words and numbers in their fields.
        const request: Record<string, unknown> = { target: "spare-3" };
        for (const [name, value] of Object.entries(input)) {
          if (typeof value === "string" && ["state", "sequence", "fault"].includes(name)) request[name] = value;
          // What is no number at all is sent as 0, which may be right.
          if (Number.isFinite(value) && name.endsWith("_ms")) request[name] = Math.trunc(Number(value) % 2 ** 40);
        }
        if (isRight(call, request)) request["target"] = `no-${text}`;
        const ended = await client.call(method, request);
        expect("status" in ended && [3, 5, 9].includes(ended.status)).toBe(true);
      }),
      { numRuns: Math.ceil(runs / commands.length), seed },
    );
  }
  client.close();
  expect(pins()).toBe(before);
});

test("hostile-grpc-leases-and-panel: targets, times and pages that are none are refused, and no lease is made", async () => {
  const before = pins();
  const client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
  const nobody = fc.string().map((text) => `no-${text}`);
  const noTime = fc.oneof(fc.constantFrom(0, -1, Number.NaN, Infinity, -Infinity, 1e300), fc.double({ max: -1e-9 }));
  const request = fc.oneof(
    fc.record({ method: fc.constant("AcquireLease"), targets: fc.array(nobody), ttl_s: fc.double() }),
    fc.record({ method: fc.constant("AcquireLease"), targets: fc.constant(["spare-3"]), ttl_s: noTime }),
    fc.record({ method: fc.constant("RenewLease"), id: nobody, ttl_s: fc.double() }),
    fc.record({ method: fc.constant("SetPanel"), rack: nobody, lines: fc.array(fc.string()), locked: fc.boolean() }),
    fc.record({
      method: fc.constant("SetPanel"),
      rack: fc.constant("rack1"),
      lines: fc.oneof(
        fc.array(fc.string(), { minLength: 5, maxLength: 9 }),
        fc.array(fc.string({ minLength: 21 }), { minLength: 1, maxLength: 4 }),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(request, async ({ method, ...fields }) => {
      const ended = await client.call(method, fields);
      expect([method, fields, "status" in ended && [3, 5, 9].includes(ended.status)]).toEqual([method, fields, true]);
    }),
    { numRuns: runs, seed },
  );
  client.close();
  expect((await bay.api("GET", "/api/v1/leases")).json).toMatchObject({ leases: [] });
  expect(pins()).toBe(before);
});

test("hostile-mqtt-arguments: of every command, refused with its id, and no pin moves", async () => {
  const before = pins();
  const sent = new Set<string>();
  for (const { call } of calls().filter((entry) => entry.call.mqtt !== undefined)) {
    const wanted = z.strictObject(call.body.shape);
    const args = fc.record(Object.fromEntries([...Object.keys(call.body.shape), "extra"].map((name) => [name, junk])), {
      requiredKeys: [],
    });
    const place = "target" in call.params.shape ? "target/spare-3" : "rack/rack1";
    await fc.assert(
      fc.asyncProperty(fc.uuid(), args, async (id, given) => {
        fc.pre(!sent.has(id) && !wanted.safeParse(given).success);
        sent.add(id);
        const topic = `mltb/v1/demo/cmd/operator/${place}/${call.mqtt}`;
        await bay.client.publishAsync(topic, JSON.stringify({ id, args: given }), { qos: 1 });
      }),
      { numRuns: Math.ceil(runs / 3), seed },
    );
  }
  const answers = (): { id: string; status: string }[] =>
    bay.messages
      .filter((m) => m.topic.startsWith("ans/operator/"))
      .map((m) => JSON.parse(m.payload))
      .filter(({ id }) => sent.has(id));
  await until(() => new Set(answers().map(({ id }) => id)).size === sent.size);
  expect(sent.size).toBeGreaterThan(runs / 2);
  expect(answers().filter(({ status }) => status !== "refused")).toEqual([]);
  expect(pins()).toBe(before);
  bay.messages.length = 0;
});

test("hostile-mqtt-depth: arguments that nest thousands of levels deep are refused with their id, and the bay answers on", async () => {
  const before = pins();
  const power = "mltb/v1/demo/cmd/operator/target/spare-3/power";
  const deep = ["[", '{"a":'].flatMap((open) => [40, 2500, 8000].map((levels) => ({ open, levels })));
  for (const [n, { open, levels }] of deep.entries()) {
    const close = open === "[" ? "]" : "}";
    const args = open.repeat(levels) + (open === "[" ? "" : "1") + close.repeat(levels);
    await bay.client.publishAsync(power, `{"id":"deep-${n}","args":${args}}`, { qos: 1 });
  }
  await bay.client.publishAsync(power, '{"id":"after-deep","args":{}}', { qos: 1 });
  const answers = (): { id: string; status: string; code: string }[] =>
    bay.messages.filter((m) => m.topic.startsWith("ans/operator/")).map((m) => JSON.parse(m.payload));
  await until(() => answers().some(({ id }) => id === "after-deep"));
  const told = answers().filter(({ id }) => id.startsWith("deep-") || id === "");
  expect(told.length).toBe(deep.length);
  for (const { status, code } of told) expect([status, code]).toEqual(["refused", "malformed"]);
  expect(pins()).toBe(before);
  bay.messages.length = 0;
});

test("hostile-mqtt-payloads: refused or ignored, no pin moves, and the memory stays", async () => {
  const before = pins();
  const sent = new Set<string>();
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const payload = fc.oneof(
    fc.record({ id: fc.uuid(), args: junk, extra: fc.jsonValue() }, { requiredKeys: ["id"] }).map((value) => {
      sent.add(value.id);
      return JSON.stringify({ ...value, args: value.args === "" ? null : { state: value.args } });
    }),
    fc.string(),
    fc.constant("x".repeat(20_000)),
    fc.constant('{"id":"'.repeat(500)),
  );
  await fc.assert(
    fc.asyncProperty(
      payload,
      fc.constantFrom("power", "reset", "strap", "rearm", "locate", "nothing"),
      async (text, feature) => {
        fc.pre(!/"state":"(on|off|off-floating|cycle)"\}/.test(text) || text.includes('"extra"'));
        // A reset of what is off, a locate without arguments: right commands are not hostile.
        fc.pre(feature === "power" || feature === "rearm" || feature === "nothing" || !text.startsWith("{"));
        await bay.client.publishAsync(`mltb/v1/demo/cmd/operator/target/spare-3/${feature}`, text, { qos: 1 });
      },
    ),
    { numRuns: runs, seed },
  );
  const answers = (): { id: string; status: string }[] =>
    bay.messages.filter((m) => m.topic.startsWith("ans/operator/")).map((m) => JSON.parse(m.payload));
  await bay.client.publishAsync("mltb/v1/demo/cmd/operator/target/spare-3/power", '{"id":"last","args":{}}', {
    qos: 1,
  });
  await until(() => answers().some((answer) => answer.id === "last"));
  expect(answers().every((answer) => answer.status === "refused")).toBe(true);
  expect(answers().length).toBeGreaterThan(runs / 4);
  expect(pins()).toBe(before);
  bay.messages.length = 0;
  globalThis.gc?.();
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(64e6);
});

test("secrets-in-the-open: none in logs at debug level, answers, records or state, of a bay at work", async () => {
  const state = mkdtempSync(join(tmpdir(), "mltb-secrets-"));
  const mltb = fileURLToPath(new URL("../../cli/bin/mltb.mjs", import.meta.url));
  const demo = fileURLToPath(new URL("../../../examples/demo-bay.yml", import.meta.url));
  const run = (...args: string[]): { child: ChildProcess; out: () => string; ended: Promise<number | null> } => {
    const child = spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => void child.kill());
    let text = "";
    child.stdout?.on("data", (chunk) => (text += chunk));
    child.stderr?.on("data", (chunk) => (text += chunk));
    return { child, out: () => text, ended: new Promise((resolve) => child.once("exit", resolve)) };
  };
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
  const up = run("up", "--bay", demo, "--state", state, ...free, "--compat", "--json", "--log", "trace");
  const ready = await until(() => /^\{"event":"ready".*$/m.exec(up.out())?.[0], 60_000);
  const { http } = JSON.parse(ready) as { http: string };
  const token = readFileSync(join(state, "token"), "utf8").trim();
  let said = "";
  for (const args of [["power", "on", "spare-3"], ["faults"], ["log"], ["status"], ["power", "on", "nowhere"]]) {
    const ran = run(...args, "--state", state, "--json");
    await ran.ended;
    said += ran.out();
  }
  const bearer = { authorization: `Bearer ${token}` };
  for (const path of ["/metrics", "/openapi.json", "/api/v1/log", `/api/v1/targets/${"x".repeat(99)}`]) {
    said += await (await fetch(`${http}${path}`, { headers: bearer })).text();
  }
  // A token in the wrong place must not come back either.
  said += await (await fetch(`${http}/api/v1/targets`, { headers: { authorization: `Bearer x${token}` } })).text();
  const basic = { authorization: `Basic ${Buffer.from(`anybody:${token}`).toString("base64")}` };
  for (const headers of [bearer, basic, { authorization: `${basic.authorization}x` }]) {
    said += await (await fetch(`${http}/power/control/on?hostname=rack1`, { headers })).text();
  }
  up.child.kill("SIGINT");
  await up.ended;
  const secretFiles = ["token", "mqtt-operator-password", "mqtt-agent-password", "mqtt-supervisor-password"];
  const secrets = Object.fromEntries(
    secretFiles.map((name) => [name, formsOf(Buffer.from(readFileSync(join(state, name), "utf8").trim()))]),
  );
  writeFileSync(join(state, "log of the bay"), up.out());
  writeFileSync(join(state, "answers"), said);
  expect(up.out().length).toBeGreaterThan(500);
  // Each stands in its own file, and nowhere else.
  expect(search(state, secrets)).toEqual(Object.fromEntries(secretFiles.map((name) => [name, [name]])));
  for (const name of secretFiles) expect(statSync(join(state, name)).mode & 0o077).toBe(0);
  rmSync(state, { recursive: true });
});
