import { readFileSync } from "node:fs";
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addToken } from "../src/index.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";

let bay: TestBay;

beforeAll(async () => {
  bay = await startTestBay({
    change(file) {
      const targets = file.racks[0]?.targets ?? [];
      for (const target of targets) {
        if (target.target === "spare-4") target.on_lease_end = "keep";
        if (target.target === "spare-5") target.on_lease_end = "reset";
      }
    },
  });
});
afterAll(() => bay.stop());

const power = (target: string, state: string, lease?: string, more: Record<string, string> = {}) =>
  bay.api(
    "PUT",
    `/api/v1/targets/${target}/power`,
    { state, ...(state === "cycle" ? { off_ms: 400 } : {}) },
    { ...(lease === undefined ? {} : { "mltb-lease": lease }), ...more },
  );
const lease = (body: object) => bay.api("POST", "/api/v1/leases", body);
const target = async (name: string) => (await bay.api("GET", `/api/v1/targets/${name}`)).json;

test("a lease keeps others out until it is released, and then the target goes off", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 60, holder: "ada" });
  expect(got.status).toBe(201);
  expect(got.json).toMatchObject({ targets: ["spare-3"], holder: "ada", fence: expect.any(Number) });
  expect((await target("spare-3")).lease).toMatchObject({ id: got.json.id, holder: "ada" });
  const stranger = await power("spare-3", "on");
  expect(stranger).toMatchObject({ status: 409, json: { code: "leased" } });
  expect((await power("spare-3", "on", got.json.id)).status).toBe(200);
  expect((await lease({ targets: ["spare-3"], ttl_s: 1 })).status).toBe(409);
  const renewed = await bay.api("PUT", `/api/v1/leases/${got.json.id}`, { ttl_s: 120 });
  expect(Date.parse(renewed.json.expires_at)).toBeGreaterThan(Date.parse(got.json.expires_at));
  expect((await bay.api("DELETE", `/api/v1/leases/${got.json.id}`)).status).toBe(204);
  expect(await target("spare-3")).toMatchObject({ power: "off", lease: null });
  expect(bay.rail(3).switchOn).toBe(false);
  expect((await bay.api("DELETE", `/api/v1/leases/${got.json.id}`)).status).toBe(204);
  expect((await bay.api("PUT", `/api/v1/leases/${got.json.id}`, { ttl_s: 5 })).json.code).toBe("lease-ended");
  expect((await bay.api("DELETE", "/api/v1/leases/nothing")).status).toBe(404);
});

test("labgrid#1739 acquired places never expire: a lease runs out, its target goes off, and an old id is fenced off", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 0.4 });
  await power("spare-3", "on", got.json.id);
  await until(() => !bay.rail(3).switchOn);
  const late = await power("spare-3", "on", got.json.id);
  expect(late).toMatchObject({ status: 409, json: { code: "lease-ended" } });
  expect(bay.rail(3).switchOn).toBe(false);
});

test("policies: keep leaves the target on, reset pulses its line", async () => {
  for (const [name, channel] of [
    ["spare-4", 4],
    ["spare-5", 5],
  ] as const) {
    const got = await lease({ targets: [name], ttl_s: 60 });
    await power(name, "on", got.json.id);
    await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
    expect(bay.rail(channel).switchOn).toBe(true);
  }
  const { lines } = (await bay.api("GET", "/api/v1/log?target=spare-5&limit=2")).json;
  expect(lines[0]).toMatchObject({ action: "reset", source: "policy", status: "done" });
});

test("labgrid: a client that dies in a cycle leaves the board off: here the cycle completes, then the policy follows", async () => {
  const got = await lease({ targets: ["spare-6"], ttl_s: 60 });
  await power("spare-6", "on", got.json.id);
  const cycle = power("spare-6", "cycle", got.json.id);
  await until(() => !bay.rail(6).switchOn);
  const ended = bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
  expect((await cycle).json).toMatchObject({ power: "on" });
  await ended;
  expect(await target("spare-6")).toMatchObject({ power: "off" });
});

test("what is owed at a lease's end is not ended by commands that switch nothing, and is by one that does", async () => {
  const endedInCycle = async () => {
    const got = await lease({ targets: ["spare-6"], ttl_s: 60 });
    await power("spare-6", "on", got.json.id);
    const cycle = power("spare-6", "cycle", got.json.id);
    await until(() => !bay.rail(6).switchOn);
    return { cycle, ended: bay.api("DELETE", `/api/v1/leases/${got.json.id}`) };
  };
  const first = await endedInCycle();
  const reset = await bay.api("POST", "/api/v1/targets/spare-6/reset", { pulse_ms: 10 });
  expect(reset.json.code).toBe("not-on");
  expect((await first.cycle).json).toMatchObject({ power: "on" });
  await first.ended;
  expect(await target("spare-6")).toMatchObject({ power: "off" });

  const second = await endedInCycle();
  expect((await power("spare-6", "on")).status).toBe(200);
  expect((await second.cycle).json.code).toBe("superseded");
  await second.ended;
  expect(await target("spare-6")).toMatchObject({ power: "on" });
  await power("spare-6", "off");
});

test("who waits for one target of an ended lease does not wait for a cycle of its other one", async () => {
  const both = await lease({ targets: ["spare-6", "spare-7"], ttl_s: 60 });
  await power("spare-6", "on", both.json.id);
  const cycle = power("spare-6", "cycle", both.json.id);
  await until(() => !bay.rail(6).switchOn);
  const waits = lease({ targets: ["spare-7"], ttl_s: 60, wait_s: 20 });
  const ended = bay.api("DELETE", `/api/v1/leases/${both.json.id}`);
  const got = await waits;
  expect(got.status).toBe(201);
  expect(bay.rail(6).switchOn).toBe(false);
  expect((await cycle).json).toMatchObject({ power: "on" });
  await ended;
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
});

test("labgrid#580 a place with several power ports: several targets at once or none; who waits is served in turn", async () => {
  const first = await lease({ targets: ["spare-3"], ttl_s: 60 });
  const both = lease({ targets: ["spare-3", "spare-6"], ttl_s: 60, wait_s: 20 });
  await until(async () => (await bay.api("GET", "/api/v1/leases")).json.waiting.length === 1);
  // Not starved: a later request for one of them stands behind.
  expect((await lease({ targets: ["spare-6"], ttl_s: 60 })).status).toBe(409);
  await bay.api("DELETE", `/api/v1/leases/${first.json.id}`);
  const got = await both;
  expect(got.status).toBe(201);
  expect(got.json.fence).toBeGreaterThan(first.json.fence);
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
});

test("a wait that ends in vain, and a client that goes away while it waits, leave nothing behind", async () => {
  const first = await lease({ targets: ["spare-3"], ttl_s: 60 });
  expect(await lease({ targets: ["spare-3"], ttl_s: 60, wait_s: 0.2 })).toMatchObject({ status: 409 });
  const gone = new AbortController();
  const waiting = fetch(`${bay.supervisor.http}/api/v1/leases`, {
    method: "POST",
    signal: gone.signal,
    headers: { authorization: `Bearer ${token()}`, "content-type": "application/json" },
    body: JSON.stringify({ targets: ["spare-3"], ttl_s: 60, wait_s: 60 }),
  }).catch(() => undefined);
  await until(async () => (await bay.api("GET", "/api/v1/leases")).json.waiting.length === 1);
  gone.abort();
  await waiting;
  await until(async () => (await bay.api("GET", "/api/v1/leases")).json.waiting.length === 0);
  await bay.api("DELETE", `/api/v1/leases/${first.json.id}`);
});

test("a lease's idempotency key: the same request gets its lease, another one is refused, and what got none is judged anew", async () => {
  const keyed = (key: string, body: object) => bay.api("POST", "/api/v1/leases", body, { "idempotency-key": key });
  const body = { targets: ["spare-3"], ttl_s: 60 };
  const first = await keyed("k1", body);
  expect((await keyed("k1", body)).json.id).toBe(first.json.id);
  expect((await keyed("k1", { ...body, targets: ["spare-6"] })).json.code).toBe("key-reused");
  expect((await keyed("k2", body)).json.code).toBe("leased");
  await bay.api("DELETE", `/api/v1/leases/${first.json.id}`);
  await until(async () => (await target("spare-3")).lease === null);
  const second = await keyed("k2", body);
  expect(second.status).toBe(201);
  await bay.api("DELETE", `/api/v1/leases/${second.json.id}`);
  await until(async () => (await target("spare-3")).lease === null);
  const third = await keyed("k1", body);
  expect([201, first.json.id, second.json.id].includes(third.json.id)).toBe(false);
  expect(third.status).toBe(201);
  await bay.api("DELETE", `/api/v1/leases/${third.json.id}`);
});

const token = (): string => readFileSync(bay.supervisor.tokenFile, "utf8").trim();

test("hold: the lease ends with the connection", async () => {
  const url = new URL("/api/v1/leases", bay.supervisor.http);
  const headers = { authorization: `Bearer ${token()}`, "content-type": "application/json", connection: "keep-alive" };
  const sent = request(url, { method: "POST", headers });
  const answer = await new Promise<{ id: string }>((resolve) => {
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve(JSON.parse(text)));
    });
    sent.end(JSON.stringify({ targets: ["spare-3"], ttl_s: 600, hold: true }));
  });
  await power("spare-3", "on", answer.id);
  expect(bay.rail(3).switchOn).toBe(true);
  sent.socket?.destroy();
  await until(() => !bay.rail(3).switchOn);
  expect((await target("spare-3")).lease).toBeNull();
  const { lines } = (await bay.api("GET", "/api/v1/log?target=spare-3")).json;
  expect(lines).toContainEqual(
    expect.objectContaining({ action: "lease-end", args: { reason: "connection-closed" }, source: "policy" }),
  );
});

test("labgrid#449 a kicked user keeps the console: console and samples of the target are cut when an admin ends the lease", async () => {
  const olga = { authorization: `Bearer ${addToken(bay.state, "olga", "operator")}` };
  await until(async () => (await bay.api("GET", "/api/v1/leases", undefined, olga)).status === 200);
  const got = await bay.api("POST", "/api/v1/leases", { targets: ["spare-3"], ttl_s: 60 }, olga);
  expect((await power("spare-3", "on", got.json.id, olga)).status).toBe(200);
  const open = (what: string) =>
    fetch(`${bay.supervisor.http}/api/v1/targets/spare-3/${what}`, { headers: { ...olga, "mltb-lease": got.json.id } });
  const streams = await Promise.all([open("samples"), open("console")]);
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  const texts = Promise.all(streams.map((stream) => stream.text()));
  expect((await bay.api("DELETE", `/api/v1/leases/${got.json.id}`)).status).toBe(204);
  const [samples, console] = (await texts).map((text) => JSON.parse(text.trim().split("\n").at(-1) ?? ""));
  expect(samples).toMatchObject({ kind: "cut", reason: expect.stringContaining("(kicked)") });
  expect(console).toMatchObject({ event: "cut", reason: expect.stringContaining("(kicked)") });
  expect((await power("spare-3", "on", got.json.id, olga)).json.code).toBe("lease-ended");
});

test("an admin's override is done and recorded", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 60, holder: "ada" });
  expect((await power("spare-3", "on", undefined, { "mltb-override": "smoke" })).status).toBe(200);
  const { lines } = (await bay.api("GET", "/api/v1/log?target=spare-3&limit=1")).json;
  expect(lines[0]).toMatchObject({
    user: "admin",
    source: "api",
    action: "power (override)",
    args: { state: "on", override: "smoke" },
    lease: got.json.id,
    status: "done",
  });
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
});

test("MQTT: a command names its lease; the lease's state is retained, and null when it is over", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 60, holder: "ada" });
  const send = (id: string, more: object) =>
    bay.client.publishAsync(
      "mltb/v1/demo/cmd/operator/target/spare-3/power",
      JSON.stringify({ id, args: { state: "on" }, ...more }),
      { qos: 1 },
    );
  const last = (id: string) =>
    bay.messages
      .filter((m) => m.topic === "ans/operator/target/spare-3/power")
      .map((m) => JSON.parse(m.payload))
      .filter((answer) => answer.id === id && answer.status !== "accepted")
      .at(-1);
  await send("no-lease", {});
  expect(await until(() => last("no-lease"))).toMatchObject({ status: "refused", code: "leased" });
  await send("with-lease", { lease: got.json.id });
  expect(await until(() => last("with-lease"))).toMatchObject({ status: "done" });
  const state = () => bay.messages.filter((m) => m.topic === "target/spare-3/state/lease").at(-1)?.payload;
  expect(JSON.parse(state() ?? "")).toMatchObject({ id: got.json.id, holder: "ada" });
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
  await until(() => state() === "null");
  const flags = bay.messages.filter((m) => m.topic === "target/spare-3/state/flags").at(-1)?.payload;
  expect(JSON.parse(flags ?? "")).toEqual({ experiment_running: false, available: true });
});

test("MQTT: an experiment shows in the flags for as long as its lease lasts, and no longer when its process dies", async () => {
  const flags = () =>
    JSON.parse(bay.messages.filter((m) => m.topic === "target/spare-3/state/flags").at(-1)?.payload ?? "null");
  const running = { experiment_running: true, available: false };
  const free = { experiment_running: false, available: true };
  const got = await lease({ targets: ["spare-3"], ttl_s: 60, experiment: true });
  expect(got.json.experiment).toBe(true);
  await until(() => flags()?.experiment_running === true);
  expect(flags()).toEqual(running);
  await bay.api("PUT", `/api/v1/leases/${got.json.id}`, { ttl_s: 30 });
  expect((await bay.api("GET", `/api/v1/leases/${got.json.id}`)).json.experiment).toBe(true);
  const held = new AbortController();
  const headers = { authorization: `Bearer ${token()}` };
  await fetch(`${bay.supervisor.http}/api/v1/leases/${got.json.id}/hold`, { headers, signal: held.signal });
  expect(flags()).toEqual(running);
  held.abort();
  await until(() => flags()?.available === true);
  expect(flags()).toEqual(free);

  // Under a lease that somebody has anyway, the run says so while it lasts.
  const other = await lease({ targets: ["spare-3"], ttl_s: 60 });
  await until(() => flags()?.available === false);
  expect(flags().experiment_running).toBe(false);
  await bay.api("PUT", `/api/v1/leases/${other.json.id}`, { ttl_s: 60, experiment: true });
  await until(() => flags()?.experiment_running === true);
  await bay.api("PUT", `/api/v1/leases/${other.json.id}`, { ttl_s: 60, experiment: false });
  await until(() => flags()?.experiment_running === false);
  await bay.api("DELETE", `/api/v1/leases/${other.json.id}`);
  await until(() => flags()?.available === true);
});

test("a restart of the supervisor keeps leases, fences and the targets as they are", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 60, holder: "ada", experiment: true });
  await power("spare-3", "on", got.json.id);
  await bay.restart();
  expect(bay.rail(3).switchOn).toBe(true);
  expect((await target("spare-3")).lease).toMatchObject({ id: got.json.id, holder: "ada" });
  expect((await bay.api("GET", `/api/v1/leases/${got.json.id}`)).json.experiment).toBe(true);
  expect((await power("spare-3", "off")).status).toBe(409);
  expect((await power("spare-3", "on", got.json.id)).status).toBe(200);
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
  const next = await lease({ targets: ["spare-3"], ttl_s: 60 });
  expect(next.json.fence).toBeGreaterThan(got.json.fence);
  await bay.api("DELETE", `/api/v1/leases/${next.json.id}`);
});

test("labgrid#1884 nobody makes a target safe whose lease ran out: also when its board was away at that time", async () => {
  const got = await lease({ targets: ["spare-3"], ttl_s: 60 });
  await power("spare-3", "on", got.json.id);
  bay.rack.cutLink();
  await until(async () => (await target("spare-3")).power === "unknown");
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
  await bay.restart(false);
  bay.rack.restoreLink();
  await until(() => !bay.rail(3).switchOn);
});

test("a recording of a leased target takes its lease, is its beginner's to end, and stands in the log", async () => {
  const as = (user: string) => ({ authorization: `Bearer ${addToken(bay.state, user, "operator")}` });
  const [olga, otto] = [as("olga-r"), as("otto-r")];
  await until(async () => (await bay.api("GET", "/api/v1/leases", undefined, otto)).status === 200);
  const mine = (await bay.api("POST", "/api/v1/leases", { targets: ["spare-6"], ttl_s: 60 }, olga)).json;
  const start = (name: string, who: object, more = {}, rails: string[] = []) =>
    bay.api("POST", `/api/v1/targets/${name}/recordings`, { rails }, { ...who, ...more });
  expect((await start("spare-6", otto)).json.code).toBe("leased");
  expect((await start("spare-7", otto, {}, ["spare-6"])).json.code).toBe("leased");
  const begun = await start("spare-6", olga, { "mltb-lease": mine.id });
  expect(begun.status).toBe(201);
  const path = `/api/v1/recordings/${begun.json.id}`;
  expect((await bay.api("DELETE", path, undefined, otto)).json.code).toBe("forbidden");
  expect((await bay.api("POST", `${path}/stop`, {}, otto)).json.code).toBe("forbidden");
  expect((await bay.api("DELETE", path, undefined, olga)).status).toBe(204);
  const { lines } = (await bay.api("GET", "/api/v1/log?target=spare-6")).json;
  expect(lines).toContainEqual(expect.objectContaining({ action: "recording", user: "olga-r" }));
  await bay.api("DELETE", `/api/v1/leases/${mine.id}`, undefined, olga);
});
