import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { calls, features } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addToken } from "../src/index.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";
import { type BoardClient, boardClient } from "./grpc-client.ts";

let bay: TestBay;
let client: BoardClient;

beforeAll(async () => {
  bay = await startTestBay();
  client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
});
afterAll(async () => {
  client.close();
  await bay.stop();
});

const bearer = (): string => `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}`;

/** The server-sent events from here on; `last` resumes after that id. */
async function subscribe(last?: string) {
  const abort = new AbortController();
  const response = await fetch(`${bay.supervisor.http}/api/v1/events`, {
    signal: abort.signal,
    headers: { authorization: bearer(), ...(last === undefined ? {} : { "last-event-id": last }) },
  });
  const events: { id: string; event: string; data: Record<string, unknown> }[] = [];
  let text = "";
  const reading = (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = Object.fromEntries(
          text
            .slice(0, end)
            .split("\n")
            .map((line) => line.split(/: (.*)/s)),
        );
        text = text.slice(end + 2);
        if (lines["event"] !== undefined) {
          events.push({ id: lines["id"], event: lines["event"], data: JSON.parse(lines["data"]) });
        }
      }
    }
  })().catch(() => undefined);
  return {
    status: response.status,
    events,
    async close() {
      abort.abort();
      await reading;
    },
  };
}

test("every route of the contract is served, and answers what its schema says", async () => {
  const path = (text: string): string =>
    text.replace("{target}", "spare-3").replace("{rack}", "rack1").replace("{board}", "rack1-monitor");
  // Nothing is stored here: `configurations.test.ts` has a bay with something.
  const reads = calls().filter(
    ({ call }) => call.method === "GET" && call.answer !== undefined && !/\{id\}|\{hash\}/.test(call.path),
  );
  expect(reads.length).toBeGreaterThan(12);
  for (const { call } of reads) {
    const { status, json } = await bay.api("GET", path(call.path));
    expect([call.path, status]).toEqual([call.path, 200]);
    expect(call.answer?.safeParse(json).error).toBeUndefined();
  }
});

test("gRPC: on after the proof, with V and I that are the rail's; the answers are those of HTTP", async () => {
  const ended = await client.call("SetPower", { target: "spare-3", state: "on" });
  if ("status" in ended) throw new Error(ended.details);
  expect(ended.answer).toMatchObject({ name: "spare-3", rack: "rack1", channel: 3, power: "on" });
  expect(ended.answer["fault"] ?? null).toBeNull();
  expect(Math.abs((ended.answer["voltage_v"] as number) - bay.rail(3).voltage_v)).toBeLessThan(0.1);
  expect(bay.rail(3).switchOn).toBe(true);
  const health = await client.call("GetHealth", {});
  expect(health).toMatchObject({
    answer: {
      state: "ok",
      boards: [{ name: "rack1-monitor", lifecycle: "ready", started_by: "power", restarts: 0 }],
    },
  });
  const listed = await client.call("ListTargets", {});
  expect("answer" in listed && (listed.answer["items"] as unknown[]).length).toBe(8);
  const measured = await client.call("Measure", { target: "spare-3" });
  expect("answer" in measured && Math.abs((measured.answer["voltage_v"] as number) - 5)).toBeLessThan(0.3);
  expect(await client.call("Reset", { target: "spare-3", pulse_ms: 20 })).toHaveProperty("answer");
  expect(await client.call("SetPower", { target: "spare-3", state: "off" })).toHaveProperty("answer.power", "off");
});

test("gRPC: leases guard commands, and go in the request", async () => {
  const taken = await client.call("AcquireLease", { targets: ["spare-4"], ttl_s: 60, holder: "ci" });
  if ("status" in taken) throw new Error(taken.details);
  const id = taken.answer["id"] as string;
  const bob = addToken(bay.state, "bob", "operator");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const refused = await client.call("SetPower", { target: "spare-4", state: "on" }, bob);
  expect(refused).toMatchObject({ status: grpc.status.FAILED_PRECONDITION, code: "leased" });
  expect(bay.rail(4).switchOn).toBe(false);
  expect(await client.call("SetPower", { target: "spare-4", state: "on", lease: id })).toHaveProperty("answer");
  expect(await client.call("RenewLease", { id, ttl_s: 120 })).toHaveProperty("answer.id", id);
  expect(await client.call("ReleaseLease", { id })).toHaveProperty("answer");
  await until(() => !bay.rail(4).switchOn);
});

test("an open stream of events carries no line of a target's console behind the end of its lease, and those of others still", async () => {
  const lease = (await bay.api("POST", "/api/v1/leases", { targets: ["spare-6"], ttl_s: 60 })).json;
  const open = await subscribe();
  const lines = ({ events }: typeof open, target: string): number =>
    events.filter(({ event, data }) => event === "console" && data["target"] === target).length;
  const power = (target: string, state: string, headers = {}) =>
    bay.api("PUT", `/api/v1/targets/${target}/power`, { state }, headers);
  await power("spare-6", "on", { "mltb-lease": lease.id });
  await until(() => lines(open, "spare-6") > 0);
  await bay.api("DELETE", `/api/v1/leases/${lease.id}`);
  const cut = await until(() => open.events.find(({ event }) => event === "console-cut"));
  expect(cut.data).toMatchObject({ target: "spare-6", reason: expect.stringContaining("(released)") });
  const before = lines(open, "spare-6");
  const fresh = await subscribe();
  for (const target of ["spare-6", "spare-7"]) await power(target, "on");
  await until(() => lines(fresh, "spare-6") > 0 && lines(fresh, "spare-7") > 0);
  for (const target of ["spare-6", "spare-7"]) await power(target, "off");
  await until(() => lines(open, "spare-7") >= lines(fresh, "spare-7"));
  expect(lines(open, "spare-6")).toBe(before);
  for (const stream of [open, fresh]) await stream.close();
});

test.each([
  ["GetTarget", { target: "spare-33" }, grpc.status.NOT_FOUND, "unknown-target"],
  ["SetPower", { target: "spare-5", state: "sideways" }, grpc.status.INVALID_ARGUMENT, "malformed"],
  ["SetPower", { target: "spare-5" }, grpc.status.INVALID_ARGUMENT, "malformed"],
  ["SetPower", { target: "spare-5", state: "cycle", off_ms: -1 }, grpc.status.INVALID_ARGUMENT, "malformed"],
  ["Reset", { target: "spare-5" }, grpc.status.FAILED_PRECONDITION, "not-on"],
])("gRPC: %s(%j) is refused with its code", async (method, request, status, code) => {
  expect(await client.call(method, request)).toMatchObject({ status, code });
  expect(bay.rail(5).switchOn).toBe(false);
});

test("gRPC: the same tokens and roles as over HTTP", async () => {
  const viewer = addToken(bay.state, "eve", "viewer");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await client.call("ListTargets", {}, "")).toMatchObject({ status: grpc.status.UNAUTHENTICATED });
  expect(await client.call("ListTargets", {}, "wrong")).toMatchObject({ code: "unauthorized" });
  expect(await client.call("ListTargets", {}, viewer)).toHaveProperty("answer");
  expect(await client.call("SetPower", { target: "spare-5", state: "on" }, viewer)).toMatchObject({
    status: grpc.status.PERMISSION_DENIED,
    code: "forbidden",
  });
  expect(bay.rail(5).switchOn).toBe(false);
});

test("gRPC: a command with the same key runs once", async () => {
  const request = { target: "spare-5", state: "cycle", off_ms: 10, idempotency_key: "k" };
  const [first, second] = await Promise.all([client.call("SetPower", request), client.call("SetPower", request)]);
  expect(second).toEqual(first);
  const cycles = bay.messages.filter(
    (m) => m.topic === "target/spare-5/state/power" && m.payload.includes('"changing"'),
  );
  expect(cycles).toHaveLength(1);
});

test("gRPC: a panel's page, note and lock; nothing asked for gives the display back to the board", async () => {
  expect(await client.call("SetPanel", { rack: "rack1", lines: ["by gRPC"] })).toHaveProperty("answer.page", "host");
  await until(async () => (await bay.api("GET", "/api/v1/racks/rack1/panel")).json.lines[0]?.startsWith("by gRPC"));
  expect(await client.call("SetPanel", { rack: "rack1" })).toHaveProperty("answer");
  await until(async () => (await bay.api("GET", "/api/v1/racks/rack1/panel")).json.page !== "host");
  expect(await client.call("SetPanel", { rack: "rack1", locked: true, note: "soak" })).toHaveProperty("answer");
  bay.rack.press("select", 1500);
  await until(() => bay.messages.some((m) => m.topic === "rack/rack1/event/button" && m.payload.includes('"long"')));
  expect(bay.rail(1).switchOn).toBe(false);
  await until(async () => /soak/.test((await bay.api("GET", "/api/v1/racks/rack1/panel")).json.lines.join()));
  expect(await client.call("SetPanel", { rack: "rack1", locked: false, note: "" })).toHaveProperty("answer");
});

test("new firmware takes the leases of the board's targets, and stands in the log", async () => {
  const bundle = Buffer.from((await buildBundle("monitoring")).source, "latin1");
  const update = async (more: Record<string, string> = {}) => {
    const response = await fetch(`${bay.supervisor.http}/api/v1/boards/rack1-monitor/firmware`, {
      method: "PUT",
      headers: { authorization: bearer(), "content-type": "application/octet-stream", ...more },
      body: bundle,
    });
    return { status: response.status, json: (await response.json()) as { code?: string; changed?: boolean } };
  };
  const lease = (await bay.api("POST", "/api/v1/leases", { targets: ["spare-8"], ttl_s: 60 })).json;
  expect(await update()).toMatchObject({ status: 409, json: { code: "leased" } });
  expect(await update({ "mltb-lease": lease.id })).toMatchObject({ status: 200, json: { changed: false } });
  expect(await update({ "mltb-override": "the board is mine" })).toMatchObject({ status: 200 });
  await bay.api("DELETE", `/api/v1/leases/${lease.id}`);
  expect(await update({ "mltb-lease": lease.id })).toMatchObject({ status: 409, json: { code: "lease-ended" } });
  const { lines } = (await bay.api("GET", "/api/v1/log?target=rack1-monitor")).json;
  expect(lines.map((line: { action: string; status: string }) => [line.action, line.status])).toEqual(
    expect.arrayContaining([
      ["firmware", "refused"],
      ["firmware", "done"],
    ]),
  );
});

test.each(["", " ", "0x10", "1e2", "five"])("a number of a query is a decimal number: %j is refused", async (text) => {
  const asked = await bay.api("GET", `/api/v1/log?after=${encodeURIComponent(text)}`);
  expect(asked.status).toBe(422);
  expect(JSON.stringify(asked.json)).toContain("after: ");
});

test("a board that has restarted says what by, to everybody", async () => {
  await bay.rack.restart();
  const health = await until(async () => {
    const { json } = await bay.api("GET", "/api/v1/health");
    return json.boards[0].restarts === 1 && json;
  });
  expect(health.boards[0]).toMatchObject({ started_by: "power", restarts: 1 });
  expect(await client.call("ListBoards", {})).toHaveProperty("answer.items.0.started_by", "power");
  const metrics = await fetch(`${bay.supervisor.http}/metrics`, { headers: { authorization: bearer() } });
  expect(await metrics.text()).toContain('mltb_board_restarts_total{board="rack1-monitor",cause="power"} 1\n');
  await until(() =>
    bay.messages.some((m) => m.topic === "target/spare-3/state/health" && JSON.parse(m.payload).restarts === 1),
  );
});

test("subscriber-away-for-a-moment: events after Last-Event-ID come first, none twice, none missing", async () => {
  const first = await subscribe();
  await until(() => first.events.length >= 8);
  await bay.api("PUT", "/api/v1/targets/spare-6/power", { state: "on" });
  await until(() => first.events.some((e) => e.event === "power" && e.id !== first.events[0]?.id));
  await first.close();
  const seen = first.events.at(-1)?.id as string;
  await bay.api("PUT", "/api/v1/targets/spare-6/power", { state: "off" });
  await bay.api("PUT", "/api/v1/racks/rack1/panel", { lines: ["away"] });
  const second = await subscribe(seen);
  await until(() => second.events.some((e) => e.event === "panel" && JSON.stringify(e.data).includes("away")));
  const numbers = second.events.map((e) => Number(e.id.split("-")[1]));
  expect(numbers).toEqual(numbers.map((_, index) => Number(seen.split("-")[1]) + 1 + index));
  expect(second.events.some((e) => e.event === "power" && JSON.stringify(e.data).includes('"power":"off"'))).toBe(true);
  await second.close();
});

test("an id that is no longer kept, or of another run, gives `gap` and the state as it is", async () => {
  const stream = await subscribe("0123-7");
  await until(() => stream.events.length >= 9);
  expect(stream.events[0]).toMatchObject({ event: "gap", data: { after: "0123-7" } });
  expect(stream.events.slice(1, 9).every((e) => e.event === "power")).toBe(true);
  await stream.close();
});

test("deferred: ?wait=false answers 202 before the proof; what cannot be accepted is refused", async () => {
  const early = await bay.api("PUT", "/api/v1/targets/spare-7/power?wait=false", { state: "on" });
  expect(early.status).toBe(202);
  await until(() => bay.rail(7).switchOn);
  expect((await bay.api("PUT", "/api/v1/targets/spare-77/power?wait=false", { state: "on" })).status).toBe(404);
});

test("features that the contract names with an MQTT command are understood there", () => {
  const named = calls().flatMap(({ call }) => (call.mqtt === undefined ? [] : [call.mqtt]));
  expect(new Set(named)).toEqual(new Set(["power", "reset", "strap", "rearm", "panel", "locate"]));
  expect(Object.keys(features)).toEqual(expect.arrayContaining(["markers", "health", "calibration", "lease"]));
});
