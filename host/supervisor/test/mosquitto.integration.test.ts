import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBayFile } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import { createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import mqtt, { type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Supervisor, startSupervisor } from "../src/index.ts";

const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
const installed = spawnSync("mosquitto", ["-h"], { env }).error === undefined;
if (!installed) console.warn("skipped: mosquitto is not installed");

let folder: string;
let broker: ChildProcess;
let rack: SimulatedRack;
let supervisor: Supervisor;
let client: MqttClient;
let url: string;
const messages: { topic: string; payload: string }[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  if (!installed) return;
  folder = mkdtempSync(join(tmpdir(), "mltb-mosquitto-"));
  const port = await freePort();
  url = `mqtt://127.0.0.1:${port}`;
  const config = join(folder, "mosquitto.conf");
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
  broker = spawn("mosquitto", ["-c", config], { env, stdio: "ignore" });
  client = mqtt.connect(url, { protocolVersion: 4, reconnectPeriod: 100 });
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  client.on("message", (topic, payload) =>
    messages.push({ topic: topic.slice("mltb/v1/demo/".length), payload: payload.toString() }),
  );
  await client.subscribeAsync("mltb/v1/demo/#", { qos: 1 });
  const read = readBayFile(new URL("../../../examples/demo-bay.yml", import.meta.url).pathname);
  if ("faults" in read) throw new Error("the demo bay has faults");
  const { source } = await buildBundle("monitoring");
  const targets = [{ name: "spare-3", channel: 3, load: { idle_w: 1, cpu_w: 0 } }];
  rack = await createSimulatedRack({ rack: "rack1", serial: "M", bundle: source, seed: 1, clock: "real", targets });
  rack.start();
  supervisor = await startSupervisor({
    bay: read.bay,
    openBoard: () => rack.transport,
    http: { host: "127.0.0.1", port: 0, named: true },
    mqtt: { broker: url, user: "", password: "" },
    stateDir: folder,
    log: pino({ level: "silent" }),
  });
  await supervisor.ready();
});

afterAll(async () => {
  if (!installed) return;
  await client.endAsync();
  await rack.stop();
  broker.kill();
  rmSync(folder, { recursive: true });
});

async function until<T>(find: () => T | undefined): Promise<T> {
  const started = Date.now();
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (Date.now() - started > 5000) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test.skipIf(!installed)("a command through Mosquitto is accepted and done, and the rail is on", async () => {
  await client.publishAsync(
    "mltb/v1/demo/cmd/ann/target/spare-3/power",
    JSON.stringify({ id: "m1", args: { state: "on" } }),
    { qos: 1 },
  );
  const answers = (): string[] =>
    messages
      .filter((m) => m.topic === "ans/ann/target/spare-3/power")
      .map((m) => JSON.parse(m.payload).status as string);
  await until(() => (answers().includes("done") ? true : undefined));
  expect(answers()).toEqual(["accepted", "done"]);
  expect(rack.electronics.rails[2]?.switchOn).toBe(true);
  await until(() => messages.find((m) => m.topic === "target/spare-3/state/power" && m.payload.includes('"on"')));
});

test.skipIf(!installed)("a malformed command is refused and changes nothing", async () => {
  await client.publishAsync("mltb/v1/demo/cmd/ann/target/spare-3/power", '{"id":"m2","args":{"state":"up"}}', {
    qos: 1,
  });
  await until(() => messages.find((m) => m.topic.startsWith("ans/ann/") && m.payload.includes('"refused"')));
  expect(rack.electronics.rails[2]?.switchOn).toBe(true);
});

test.skipIf(!installed)(
  "a command published as retained is refused, fresh and at each delivery of the broker",
  async () => {
    const topic = "mltb/v1/demo/cmd/ann/target/spare-3/power";
    const before = rack.electronics.rails[2]?.switchOn;
    await client.publishAsync(topic, JSON.stringify({ id: "kept", args: { state: before === true ? "off" : "on" } }), {
      qos: 1,
      retain: true,
    });
    const answers = () => messages.filter((m) => m.topic.startsWith("ans/ann/") && m.payload.includes('"kept"'));
    await until(() => (answers().length > 0 ? true : undefined));
    expect(answers().map((m) => JSON.parse(m.payload))).toMatchObject([{ status: "refused", code: "retained" }]);
    expect(rack.electronics.rails[2]?.switchOn).toBe(before);
    await client.publishAsync(topic, "", { qos: 1, retain: true });
  },
);

test.skipIf(!installed)(
  "more answers at once than Mosquitto takes unacknowledged (20) all come, in their order",
  async () => {
    const from = messages.length;
    const ids = Array.from({ length: 200 }, (_, n) => `many-${n}`);
    const topic = "mltb/v1/demo/cmd/ann/target/spare-3/locate";
    for (const id of ids) client.publish(topic, JSON.stringify({ id, args: { duration_ms: -1 } }), { qos: 1 });
    const answered = () =>
      messages
        .slice(from)
        .filter((m) => m.topic === "ans/ann/target/spare-3/locate")
        .map((m) => JSON.parse(m.payload).id as string);
    await until(() => (answered().length >= ids.length ? true : undefined));
    expect(answered()).toEqual(ids);
    expect(messages.some((m) => m.topic === "supervisor/state" && m.payload === "lost")).toBe(false);
  },
);

test.skipIf(!installed)("birth and clean end are told apart: online, then stopped", async () => {
  expect(messages.some((m) => m.topic === "supervisor/state" && m.payload === "online")).toBe(true);
  await supervisor.stop();
  await until(() => messages.find((m) => m.topic === "supervisor/state" && m.payload === "stopped"));
  expect(messages.some((m) => m.topic === "supervisor/state" && m.payload === "lost")).toBe(false);
});
