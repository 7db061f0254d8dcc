import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { DatabaseSync } from "node:sqlite";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, startBroker } from "../src/mqtt/broker.ts";
import { PACKET_BYTES } from "../src/mqtt/packet-limit.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";

const root = "mltb/v1/demo";
const users = [{ name: "supervisor", password: "s", publish: ["#"] }];
let port = 0;
let broker: Broker;
let bay: TestBay;

async function brokerUp(): Promise<void> {
  broker = await startBroker({ host: "127.0.0.1", port, named: true, users });
  port = broker.port;
}

beforeAll(async () => {
  await brokerUp();
  const external = { broker: `mqtt://127.0.0.1:${port}`, user: "supervisor", password: "s" };
  bay = await startTestBay({ options: { mqtt: external }, login: { user: "supervisor", password: "s" } });
});
afterAll(async () => {
  await bay.stop();
  await broker.close();
});

const power = (target: string, state: string) => bay.api("PUT", `/api/v1/targets/${target}/power`, { state });
const send = (client: MqttClient, id: string, more: object = {}, retain = false) =>
  client.publishAsync(`${root}/cmd/ada/target/spare-3/power`, JSON.stringify({ id, args: { state: "on" }, ...more }), {
    qos: 1,
    retain,
  });
const answers = (id: string): { status: string; code?: string; accepted_seq?: number }[] =>
  bay.messages
    .filter((message) => message.topic === "ans/ada/target/spare-3/power")
    .map((message) => JSON.parse(message.payload))
    .filter((answer) => answer.id === id);
const metric = async (name: string): Promise<number> => {
  const response = await fetch(`${bay.supervisor.http}/metrics`, {
    headers: { authorization: `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}` },
  });
  const line = (await response.text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ")[1]);
};

test("broker-restart: the API works meanwhile, and the newest state alone stands on the broker afterwards", async () => {
  await broker.close();
  await until(async () => (await metric("mltb_mqtt_connected")) === 0);
  expect((await power("spare-3", "on")).status).toBe(200);
  expect((await power("spare-3", "off")).status).toBe(200);
  expect((await power("spare-3", "on")).status).toBe(200);
  expect(await metric("mltb_mqtt_connection_losses_total")).toBeGreaterThan(0);
  await brokerUp();
  await until(async () => (await metric("mltb_mqtt_connected")) === 1);
  await until(async () => (await metric("mltb_mqtt_outbox_messages")) === 0);
  const late = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, username: "supervisor", password: "s" });
  const seen = new Map<string, string>();
  late.on("message", (topic, payload) => seen.set(topic, payload.toString()));
  await late.subscribeAsync(`${root}/#`, { qos: 1 });
  await until(() => JSON.parse(seen.get(`${root}/target/spare-3/state/power`) ?? "{}").state === "on");
  await until(() => seen.get(`${root}/supervisor/state`) === "online");
  await late.endAsync();
});

test("a command runs once, also when it comes again after a broker restart, which answers it as the first time", async () => {
  await power("spare-3", "off");
  await until(() => bay.client.connected);
  await send(bay.client, "once");
  await until(() => answers("once").some((answer) => answer.status === "done"));
  await power("spare-3", "off");
  await broker.close();
  await brokerUp();
  await until(() => bay.client.connected);
  await until(async () => (await metric("mltb_mqtt_connected")) === 1);
  const before = answers("once").length;
  await send(bay.client, "once");
  await until(() => answers("once").length >= before + 2);
  expect(answers("once").at(-1)).toMatchObject({ status: "done" });
  expect(new Set(answers("once").map((answer) => answer.accepted_seq)).size).toBe(2);
  expect(bay.rail(3).switchOn).toBe(false);
});

test("home-assistant: stale retained state: a retained or expired command does not run, also when the supervisor comes anew", async () => {
  await bay.restart();
  await send(bay.client, "stale", { expires_at: new Date(Date.now() - 1000).toISOString() });
  await until(() => answers("stale").some((answer) => answer.code === "expired"));
  await send(bay.client, "kept", {}, true);
  await until(() => answers("kept").some((answer) => answer.code === "retained"));
  await bay.restart();
  await until(async () => (await metric("mltb_mqtt_connected")) === 1);
  expect(bay.rail(3).switchOn).toBe(false);
});

test("slow-subscriber: who does not read is cut off, and nobody else waits or misses anything", async () => {
  const before = broker.cut();
  let publisherClosed = 0;
  const onClose = (): void => {
    publisherClosed += 1;
  };
  bay.client.on("close", onClose);
  const slow = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 4,
    username: "supervisor",
    password: "s",
    reconnectPeriod: 0,
  });
  const closed = new Promise<void>((resolve) => slow.once("close", () => resolve()));
  await slow.subscribeAsync(`${root}/noise`, { qos: 0 });
  slow.stream.pause();
  // Half of what a packet may have: who sends it is no reason to be cut off.
  const noise = "x".repeat(PACKET_BYTES / 2);
  let sent = 0;
  for (; sent < 2000 && broker.cut() === before; sent += 1) {
    await bay.client.publishAsync(`${root}/noise`, noise, { qos: 0 });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // A client that does not read sees no end either.
  slow.stream.resume();
  await closed;
  await send(bay.client, "beside");
  await until(() => answers("beside").some((answer) => answer.status === "done"));
  await until(() => bay.messages.filter(({ topic }) => topic === "noise").length === sent);
  expect(broker.cut()).toBe(before + 1);
  expect(publisherClosed).toBe(0);
  bay.client.off("close", onClose);
  slow.end(true);
});

test("full-disk: what cannot be journalled is refused and does not run; afterwards everything works again", async () => {
  await power("spare-3", "off");
  const other = new DatabaseSync(`${bay.state}/state.db`);
  other.exec("begin immediate");
  const refused = await power("spare-3", "on");
  expect(refused).toMatchObject({ status: 503, json: { code: "store-failed" } });
  await send(bay.client, "unwritten");
  await until(() => answers("unwritten").length > 0);
  expect(answers("unwritten")).toEqual([expect.objectContaining({ status: "refused", code: "store-failed" })]);
  expect(bay.rail(3).switchOn).toBe(false);
  expect((await bay.api("POST", "/api/v1/leases", { targets: ["spare-3"], ttl_s: 60 })).status).toBe(503);
  other.exec("rollback");
  other.close();
  expect((await power("spare-3", "on")).status).toBe(200);
  const lease = await bay.api("POST", "/api/v1/leases", { targets: ["spare-3"], ttl_s: 60 });
  expect(lease.status).toBe(201);
  await bay.api("DELETE", `/api/v1/leases/${lease.json.id}`);
});

test("Tasmota#7189 a clean end leaves a stale Online: a clean end says stopped, and not lost", async () => {
  await bay.supervisor.stop();
  await until(
    () => bay.messages.filter((message) => message.topic === "supervisor/state").at(-1)?.payload === "stopped",
  );
});

test("hostile-mqtt-length: a packet that announces 256 MB is cut off with its header, before and after the login", async () => {
  const before = broker.cut();
  const length = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]);
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => undefined);
  socket.write(length);
  socket.write(Buffer.alloc(1_000_000));
  await closed;
  expect(broker.cut()).toBe(before + 1);
  const big = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    ...{ protocolVersion: 4 as const, username: "supervisor", password: "s", reconnectPeriod: 0 },
  });
  await new Promise((resolve) => big.once("connect", resolve));
  const ended = new Promise<void>((resolve) => big.once("close", () => resolve()));
  big.publish("x", Buffer.alloc(2_000_000), { qos: 0 });
  await ended;
  expect(broker.cut()).toBe(before + 2);
  big.end(true);
});

test("sessions of clients that went away keep nothing: each login begins a session", async () => {
  const login = {
    ...{ protocolVersion: 4 as const, clientId: "keeper", clean: false, username: "supervisor", password: "s" },
    reconnectPeriod: 0,
  };
  const seen: string[] = [];
  for (let time = 0; time < 2; time += 1) {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, login);
    client.on("message", (_topic, payload) => seen.push(payload.toString()));
    const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve) =>
      client.once("connect", resolve as never),
    );
    expect(sessionPresent).toBe(false);
    if (time === 0) await client.subscribeAsync("kept/#", { qos: 1 });
    await client.endAsync();
    if (time === 0) await bay.client.publishAsync("kept/1", "while it was away", { qos: 1 });
  }
  expect(seen).toEqual([]);
});
