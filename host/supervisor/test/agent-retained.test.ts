import { readFileSync } from "node:fs";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RetainedLimit } from "../src/mqtt/retained-limit.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";

const root = "mltb/v1/demo";

let bay: TestBay;
beforeAll(async () => {
  bay = await startTestBay();
});
afterAll(() => bay.stop());

/** A client with the login of the bay's agents, and how often its connection was closed on it. */
async function agent(): Promise<{ client: MqttClient; closed: () => number }> {
  const { mqtt: url, user, passwordFile } = bay.supervisor.agentCredentials;
  const password = readFileSync(passwordFile, "utf8").trim();
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, username: user, password, reconnectPeriod: 0 });
  let closed = 0;
  client.on("close", () => (closed += 1));
  client.on("error", () => undefined);
  return { client, closed: () => closed };
}

/** Topics of agents and events under which a client that comes now finds something, once it has found these. */
async function kept(wanted: string[]): Promise<string[]> {
  const { client } = await agent();
  const found = new Set<string>();
  client.on("message", (topic, _payload, { retain }) => {
    if (retain) found.add(topic.slice(root.length + 1));
  });
  await client.subscribeAsync([`${root}/agent/#`, `${root}/target/+/event/#`], { qos: 1 });
  await until(() => wanted.every((topic) => found.has(topic)));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await client.endAsync();
  return [...found].sort();
}

const staying = { qos: 1, retain: true } as const;
const ofAgent = ["agent/a1/birth", "agent/a1/flags", "agent/a1/state"];

test("an agent leaves birth, state and flags on the broker, and is found by them", async () => {
  const { client, closed } = await agent();
  await client.publishAsync(`${root}/agent/a1/birth`, '{"grpc":"127.0.0.1:1"}', staying);
  await client.publishAsync(`${root}/agent/a1/flags`, "{}", staying);
  await client.publishAsync(`${root}/agent/a1/state`, "online", staying);
  await client.publishAsync(`${root}/agent/a1/heartbeat`, "{}", { qos: 0 });
  await client.publishAsync(`${root}/target/spare-3/event/console`, "{}", { qos: 1 });
  await until(() => bay.supervisor.agents().length > 0);
  expect(bay.supervisor.agents()).toEqual([{ name: "a1", grpc: "127.0.0.1:1", http: null, metrics: null }]);
  expect(await kept(ofAgent)).toEqual(ofAgent);
  expect(closed()).toBe(0);
  await client.publishAsync(`${root}/agent/a1/state`, "offline", staying);
  await until(() => bay.supervisor.agents().length === 0);
  await client.endAsync();
});

test("what nobody asks for later does not stay: retained events, heartbeats and names that are none are refused", async () => {
  for (const topic of [
    ...["agent/a2/event/log", "agent/a2/heartbeat", "agent/a2/birth/more", "agent/a2", "target/spare-3/event/console"],
    ...["agent/NOT A NAME/birth", "agent//birth", `agent/${"x".repeat(33)}/birth`],
  ]) {
    const { client, closed } = await agent();
    client.publish(`${root}/${topic}`, "left behind", staying);
    await until(() => closed() > 0);
    client.end(true);
  }
  expect(await kept(ofAgent)).toEqual(ofAgent);
});

test("topics and bytes that stay are bounded; what is cleared or replaced makes room", () => {
  const limit = new RetainedLimit({ allows: (topic) => topic.startsWith("t"), topics: 2, bytes: 20 });
  expect(limit.refusal("x1", 1)).toBe("nothing may stay there");
  expect(limit.refusal("t1", 8)).toBeUndefined();
  expect(limit.refusal("t2", 9)).toBe("more than 20 bytes would stay");
  expect(limit.refusal("t2", 8)).toBeUndefined();
  expect(limit.refusal("t3", 1)).toBe("2 topics have one already");
  expect(limit.refusal("t1", 9)).toBe("more than 20 bytes would stay");
  expect(limit.refusal("t1", 2)).toBeUndefined();
  expect(limit.refusal("t2", 0)).toBeUndefined();
  expect(limit.refusal("t2", 0)).toBeUndefined();
  expect(limit.refusal("t3", 14)).toBeUndefined();
  expect(limit.refusal("t1", 3)).toBe("more than 20 bytes would stay");
});
