import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateModel, grpcAgent, watchAgents } from "@mltb/bench";
import { bootId } from "@mltb/contract";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Running, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-presence-"));
const model = generateModel("ds-cnn-kws");
writeFileSync(join(folder, "kws.onnx"), model);
const raw = new Uint8Array(490 * 4);
/** Everything that was said below the agent's topics, in order. */
const said: { kind: string; text: string; retained: boolean }[] = [];
let aedes: Aedes;
let server: Server;
let listener: mqtt.MqttClient;
let agent: Running;

/** Connections to the broker. */
const sockets = new Set<Socket>();

/** A broker that remembers nothing. */
async function listen(port: number): Promise<void> {
  aedes = await Aedes.createBroker();
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

beforeAll(async () => {
  await listen(0);
  const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const identity = ["--mqtt", url, "--bay", "b", "--name", "a1", "--target", "t1"];
  agent = await start("agent", "inference", "--models", folder, ...ports, ...identity);
  listener = await mqtt.connectAsync(url, { protocolVersion: 4 });
  listener.on("error", () => undefined);
  listener.on("message", (topic, payload, packet) => {
    const kind = topic.slice("mltb/v1/b/agent/a1/".length);
    said.push({ kind, text: payload.toString(), retained: packet.retain });
  });
  await listener.subscribeAsync("mltb/v1/b/agent/a1/#", { qos: 1 });
}, 120_000);
afterAll(async () => {
  await agent.end("SIGKILL");
  await listener.endAsync(true);
  await new Promise<void>((resolve) => aedes.close(() => server.close(() => resolve())));
  rmSync(folder, { recursive: true, force: true });
});

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 1500 && !what(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(what()).toBe(true);
}

const documents = (kind: string): Record<string, unknown>[] =>
  said.filter((entry) => entry.kind === kind).map((entry) => JSON.parse(entry.text) as Record<string, unknown>);

test("a late listener gets the retained birth, state and flags", async () => {
  await until(() =>
    ["birth", "state", "flags"].every((kind) => said.some((entry) => entry.kind === kind && entry.retained)),
  );
  const { grpc, http, metrics } = agent.ready;
  expect(documents("birth")[0]).toMatchObject({
    ...{ schema: "mltb.agent/1", name: "a1", target: "t1", kind: "inference", grpc, http, metrics, threads: 1 },
    runtime: { name: "onnxruntime-node", version: expect.stringMatching(/^\d+\.\d+/) },
    capabilities: expect.arrayContaining(["infer", "deploy", "measure", "cancel"]),
    network: expect.stringMatching(/^(isolated|not isolated)$/),
    model_folder: expect.stringMatching(/^(read-only|writable)$/),
    limits: { memory_bytes: 2 * 1024 ** 3, time_s: 60 },
    ...{ tls: false, instance: expect.stringMatching(/^[0-9a-f-]{36}$/), machine: bootId() },
  });
  expect(said.find((entry) => entry.kind === "state")?.text).toBe("online");
  expect(documents("flags")[0]).toEqual({ experiment_running: false, available: true });
});

test("whoever calls the announced agent sees that it is the one; another life of it is another agent", async () => {
  const address = agent.ready["grpc"] as string;
  const { instance } = documents("birth")[0] as { instance: string };
  const lives = [instance, "another"].map((life) => grpcAgent(address, { instance: life }));
  expect(await Promise.all(lives.map((api) => api.live()))).toEqual([true, false]);
  for (const api of lives) api.close();
});

test("a measurement raises its flag and tells its progress; one that is cancelled says so and frees the agent", async () => {
  const api = grpcAgent(agent.ready["grpc"] as string);
  const spec = { model: "kws", warmup: 1, windows: 2, window_s: 0.1, seed: 1, inputs: [[raw]] };
  await api.measure(spec, () => undefined, new AbortController().signal);
  await until(() => documents("flags").length >= 3);
  expect(documents("flags").slice(1, 3)).toEqual([
    { experiment_running: true, available: false },
    { experiment_running: false, available: true },
  ]);
  await until(() => documents("event/step").some((report) => report["state"] === "done"));
  expect(documents("event/step").map(({ state, progress }) => [state, progress])).toEqual([
    ["running", 0],
    ["running", 0.5],
    ["running", 1],
    ["done", 1],
  ]);

  const abort = new AbortController();
  const long = api.measure({ ...spec, windows: 1, window_s: 600 }, () => undefined, abort.signal);
  await until(() => documents("flags").length >= 4);
  abort.abort();
  await expect(long).rejects.toThrow("interrupted");
  await until(() => documents("event/step").some((report) => report["state"] === "cancelled"));
  await until(() => documents("flags").at(-1)?.["experiment_running"] === false);
  const inputs = await api.inputs("kws");
  expect((await api.infer("kws", inputs, [raw])).length).toBe(12);
  api.close();
});

test("the agent counts who calls it while it measures, and tells the measurement", async () => {
  const api = grpcAgent(agent.ready["grpc"] as string);
  const spec = { model: "kws", warmup: 1, windows: 3, window_s: 0.1, seed: 1, inputs: [[raw]] };
  const signal = new AbortController().signal;
  expect((await api.measure(spec, () => undefined, signal)).requests_meanwhile).toBe(0);
  const asked: Promise<unknown>[] = [];
  const ask = (): void => {
    asked.push(
      fetch(`${agent.ready["http"]}/v2/health/live`),
      api.inputs("kws"),
      fetch(agent.ready["metrics"] as string),
    );
  };
  const { requests_meanwhile } = await api.measure(spec, (index) => index === 0 && ask(), signal);
  await Promise.all(asked);
  expect(requests_meanwhile).toBe(3);
  const page = await (await fetch(agent.ready["metrics"] as string)).text();
  expect(page).toContain("\nmltb_requests_while_measuring_total 3\n");
  api.close();
});

test("the will of an earlier process that the broker sends late does not hide the agent that lives", async () => {
  const states = (): string[] => said.filter((entry) => entry.kind === "state").map((entry) => entry.text);
  const before = states().length;
  await listener.publishAsync("mltb/v1/b/agent/a1/state", "offline", { qos: 1, retain: true });
  await until(() => states().length >= before + 2);
  expect(states().slice(before)).toEqual(["offline", "online"]);
});

test("a heartbeat tells that it lives and what it holds", async () => {
  await until(() => documents("heartbeat").length > 0);
  expect(documents("heartbeat")[0]).toMatchObject({ models: 1, pending: 0, uptime_s: expect.any(Number) });
});

test("of two measurements at once the flag stays until both have ended, whichever ends first", async () => {
  const api = grpcAgent(agent.ready["grpc"] as string);
  await api.deploy("other", createHash("sha256").update(model).digest("hex"), model);
  const steps = (of: string, state: string): number =>
    documents("event/step").filter((report) => report["step"] === `measure ${of}` && report["state"] === state).length;
  const long = async (of: string): Promise<() => Promise<void>> => {
    const spec = { model: of, warmup: 1, windows: 1, window_s: 600, seed: 1, inputs: [[raw]] };
    const [begun, cancelled] = [steps(of, "running"), steps(of, "cancelled")];
    const abort = new AbortController();
    const ended = api.measure(spec, () => undefined, abort.signal);
    await until(() => steps(of, "running") > begun);
    return async () => {
      abort.abort();
      await expect(ended).rejects.toThrow("interrupted");
      await until(() => steps(of, "cancelled") > cancelled);
    };
  };
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const before = documents("flags").length;
    const since = (): unknown[] => documents("flags").slice(before);
    const running = { experiment_running: true, available: false };
    const ends = [await long("kws"), await long("other")];
    await ends[order[0] as number]?.();
    // The flags of an end are sent before the steps of the next beginning.
    await (await long(order[0] === 0 ? "kws" : "other"))();
    await until(() => since().length > 3);
    expect(since()).toEqual(since().map(() => running));
    await ends[order[1] as number]?.();
    await until(() => documents("flags").at(-1)?.["available"] === true);
    expect(documents("flags").at(-1)).toEqual({ experiment_running: false, available: true });
  }
  api.close();
});

test("the bench takes an agent that is born again for another one, at once, whatever its clock says; what it cannot read it tells", async () => {
  const mqttUrl = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  const watch = await watchAgents("b", { http: "", token: "", mqtt: mqttUrl, mqttUser: "", mqttPassword: "" });
  const { signal } = new AbortController();
  const say = async (name: string, kind: string, text: string): Promise<void> => {
    await listener.publishAsync(`mltb/v1/b/agent/${name}/${kind}`, text, { qos: 1, retain: true });
  };
  const born = async (at: string, grpc: string): Promise<void> => {
    await say("b1", "birth", JSON.stringify({ name: "b1", target: "t2", grpc, at }));
    await say("b1", "state", "online");
  };
  const since = Date.now();
  // A board without a clock of its own.
  const waited = watch.wait("t2", since, 60_000, signal);
  await born("1970-01-01T00:00:05Z", "127.0.0.1:1");
  const first = await waited;
  await born("1970-01-01T00:00:05Z", "127.0.0.1:1");
  await say("b1", "state", "offline");
  await born("1970-01-01T00:00:09Z", "127.0.0.1:2");
  await until(() => first.gone.aborted);
  expect(first.gone.reason.message).toMatch(/agent b1 has started anew/);
  const second = await watch.wait("t2", since, 60_000, signal);
  expect([second.grpc, second.gone.aborted]).toEqual(["127.0.0.1:2", false]);
  await say("b2", "birth", "{");
  await say("b2", "state", "online");
  await expect(watch.wait("t3", since, 200, signal)).rejects.toThrow(
    "no agent of target t3 came online within 0.2 s; the birth of b2 cannot be read",
  );
  await watch.close();
});

test("broker-away: agent and watch try again until the broker is back, and then go on", async () => {
  const { port } = server.address() as { port: number };
  const watch = await watchAgents("b", {
    http: "",
    token: "",
    mqtt: `mqtt://127.0.0.1:${port}`,
    mqttUser: "",
    mqttPassword: "",
  });
  await until(() => documents("birth").length > 0 && said.some(({ kind }) => kind === "state"));
  const before = said.length;
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await new Promise<void>((resolve) => aedes.close(() => resolve()));
  // Long enough for several attempts of each that are refused.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await listen(port);
  const since = (kind: string): string | undefined => said.slice(before).findLast((entry) => entry.kind === kind)?.text;
  await until(() => since("birth") !== undefined && since("state") === "online" && since("flags") !== undefined);
  const birth = { ...documents("birth").at(-1), name: "b9", target: "t9", at: new Date().toISOString() };
  await listener.publishAsync("mltb/v1/b/agent/b9/birth", JSON.stringify(birth), { qos: 1, retain: true });
  await listener.publishAsync("mltb/v1/b/agent/b9/state", "online", { qos: 1, retain: true });
  const found = await watch.wait("t9", 0, 20_000, new AbortController().signal);
  expect(found.name).toBe("b9");
  await watch.close();
});

test("freeze-agent: the broker says offline by its will, and it is online again when it goes on", async () => {
  const states = (): string[] => said.filter((entry) => entry.kind === "state").map((entry) => entry.text);
  const pid = documents("birth")[0]?.["pid"] as number;
  const births = documents("birth").length;
  process.kill(pid, "SIGSTOP");
  await until(() => states().at(-1) === "offline");
  process.kill(pid, "SIGCONT");
  await until(() => states().at(-1) === "online");
  expect(documents("birth").length).toBeGreaterThan(births);
});

test("kill-agent: its will says offline", async () => {
  await agent.end("SIGKILL");
  await until(() => said.findLast((entry) => entry.kind === "state")?.text === "offline");
});
