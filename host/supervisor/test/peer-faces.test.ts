import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

let bay: TestBay;
beforeAll(async () => {
  bay = await startTestBay({ options: { compat: true } });
});
afterAll(() => bay.stop());

const token = (): string => readFileSync(bay.supervisor.tokenFile, "utf8").trim();
const metrics = async (): Promise<string> =>
  (await fetch(`${bay.supervisor.http}/metrics`, { headers: { authorization: `Bearer ${token()}` } })).text();
const figure = async (series: string): Promise<number> =>
  Number(
    (await metrics())
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1) ?? Number.NaN,
  );
const power = (target: string, args: object) => bay.api("PUT", `/api/v1/targets/${target}/power`, args);
const compat = async (path: string) => {
  const headers = { authorization: `Basic ${Buffer.from(`x:${token()}`).toString("base64")}` };
  const response = await fetch(`${bay.supervisor.http}${path}`, { headers });
  return { status: response.status, text: await response.text() };
};
const switches = (): boolean[] => bay.rack.electronics.rails.map(({ switchOn }) => switchOn);

test("pdudaemon: port 9999 is answered 200, and for a state there is 404: here a port that is not there is refused, and nothing moves", async () => {
  const before = switches();
  for (const [query, status] of [
    ["hostname=rack1&port=9999", 404],
    ["hostname=rack1&port=0", 404],
    ["hostname=rack1&port=abc", 404],
    ["hostname=nowhere&port=3", 404],
    ["hostname=rack1", 422],
  ] as const) {
    for (const verb of ["on", "off", "reboot"]) {
      expect([query, verb, (await compat(`/power/control/${verb}?${query}`)).status]).toEqual([query, verb, status]);
    }
  }
  expect(switches()).toEqual(before);
});

test("pdudaemon#97, labgrid#1031, labgrid#1154 the state cannot be asked for and reads as off: it is the measured one, and where nobody knows it an error", async () => {
  const state = () => compat("/compat/labgrid/spare-3/power");
  expect(await state()).toEqual({ status: 200, text: "0" });
  expect((await compat("/power/control/on?hostname=rack1&port=3")).status).toBe(200);
  expect(await state()).toEqual({ status: 200, text: "1" });
  bay.rack.cutLink();
  await until(async () => (await state()).status === 503);
  bay.rack.restoreLink();
  await until(async () => (await state()).text === "1");
  expect((await compat("/power/control/off?hostname=rack1&port=3")).status).toBe(200);
  expect(await state()).toEqual({ status: 200, text: "0" });
});

test("pdudaemon: a daemon that ends in a reboot's delay leaves the board off for good: the cycle is the board's own, and ends on while no supervisor is there", async () => {
  expect((await compat("/power/control/on?hostname=rack1&port=4")).status).toBe(200);
  const reboot = compat("/power/control/reboot?hostname=rack1&port=4&delay=1").catch(() => undefined);
  await until(() => !bay.rail(4).switchOn);
  await bay.restart(true, () => expect(bay.rail(4).switchOn).toBe(false));
  await reboot;
  await until(() => bay.rail(4).switchOn, 3000);
  await until(async () => (await bay.api("GET", "/api/v1/targets/spare-4")).json.power === "on");
});

test("PiKVM: metrics are up to five seconds old: the scrape behind an answer says what the answer said", async () => {
  const on = () => figure('mltb_target_on{target="spare-5"}');
  for (const state of ["on", "off", "on", "off"]) {
    expect((await power("spare-5", { state })).status).toBe(200);
    expect(await on()).toBe(state === "on" ? 1 : 0);
  }
});

test("jumpstarter#932 nobody counts leases: those that are given, refused, waited for and ended are in the metrics, with why they ended", async () => {
  const given = await figure("mltb_leases_granted_total");
  const got = await bay.api("POST", "/api/v1/leases", { targets: ["spare-6"], ttl_s: 60 });
  expect((await bay.api("POST", "/api/v1/leases", { targets: ["spare-6"], ttl_s: 60 })).status).toBe(409);
  const waits = bay.api("POST", "/api/v1/leases", { targets: ["spare-6"], ttl_s: 0.2, wait_s: 10 });
  await until(async () => (await figure("mltb_lease_requests_waiting")) === 1);
  expect([await figure("mltb_leases"), await figure("mltb_lease_refusals_total")]).toEqual([1, 1]);
  await bay.api("DELETE", `/api/v1/leases/${got.json.id}`);
  expect((await waits).status).toBe(201);
  await until(async () => (await figure('mltb_leases_ended_total{reason="expired"}')) === 1);
  expect(await figure('mltb_leases_ended_total{reason="released"}')).toBe(1);
  expect((await figure("mltb_leases_granted_total")) - given).toBe(2);
});

test("tacd: its broker takes no login, no will and no QoS above 0: here a client's will, of QoS 1 and under its login, is carried out when the client dies", async () => {
  expect((await power("spare-7", { state: "on" })).status).toBe(200);
  const stranger = mqtt.connect(bay.supervisor.mqtt, { reconnectPeriod: 0 });
  await new Promise<void>((resolve) => {
    stranger.once("error", () => resolve());
    stranger.once("close", () => resolve());
  });
  stranger.end(true);
  const client = mqtt.connect(bay.supervisor.mqtt, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    username: bay.supervisor.mqttUser,
    password: readFileSync(bay.supervisor.mqttPasswordFile, "utf8").trim(),
    will: {
      topic: `mltb/v1/demo/cmd/${bay.supervisor.mqttUser}/target/spare-7/power`,
      payload: Buffer.from(JSON.stringify({ id: "testament", args: { state: "off" } })),
      qos: 1,
      retain: false,
    },
  });
  await new Promise((resolve) => client.once("connect", resolve));
  expect(bay.rail(7).switchOn).toBe(true);
  client.stream.destroy();
  await until(() => !bay.rail(7).switchOn);
  await until(() => bay.messages.some((m) => m.topic.startsWith("ans/") && m.payload.includes("testament")));
  client.end(true);
});

test("jumpstarter#697 a session ends with a change of the client's network: from another address the call that was cut off is asked for again, has run once, and the lease stands", async () => {
  const call = (from: string, method: string, path: string, body: object, headers: object) => {
    const agent = new Agent({ keepAlive: true });
    const url = new URL(path, bay.supervisor.http);
    const sent = request(url, {
      ...{ method, agent, localAddress: from },
      headers: { authorization: `Bearer ${token()}`, "content-type": "application/json", ...headers },
    });
    const answer = new Promise<{ status: number; json: { id: string; power: string } }>((resolve, reject) => {
      sent.on("error", reject);
      sent.on("response", (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => {
          agent.destroy();
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) });
        });
      });
    });
    sent.end(JSON.stringify(body));
    return { sent, answer };
  };
  const lease = await call("127.0.0.1", "POST", "/api/v1/leases", { targets: ["spare-8"], ttl_s: 60 }, {}).answer;
  const headers = { "mltb-lease": lease.json.id };
  const path = "/api/v1/targets/spare-8/power";
  expect((await call("127.0.0.1", "PUT", path, { state: "on" }, headers).answer).status).toBe(200);
  let opened = 0;
  const rail = bay.rail(8);
  const { step } = rail;
  let before = rail.switchOn;
  rail.step = (...args) => {
    if (before && !rail.switchOn) opened += 1;
    before = rail.switchOn;
    return step(...args);
  };
  const keyed = { ...headers, "idempotency-key": "moved" };
  const cycle = { state: "cycle", off_ms: 400 };
  const first = call("127.0.0.1", "PUT", path, cycle, keyed);
  const broken = first.answer.then(
    () => "answered",
    () => "broken off",
  );
  await until(() => !rail.switchOn);
  first.sent.destroy();
  expect(await broken).toBe("broken off");
  const again = await call("127.0.0.2", "PUT", path, cycle, keyed).answer;
  expect([again.status, again.json.power, opened]).toEqual([200, "on", 1]);
  const held = await call("127.0.0.2", "PUT", `/api/v1/leases/${lease.json.id}`, { ttl_s: 30 }, {}).answer;
  expect([held.status, held.json.id]).toEqual([200, lease.json.id]);
  await bay.api("DELETE", `/api/v1/leases/${lease.json.id}`);
});
