import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bay, readBayFile } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import { createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import mqtt, { type MqttClient } from "mqtt";
import { pino } from "pino";
import { type Supervisor, type SupervisorOptions, startSupervisor } from "../src/index.ts";

/** An answer of the HTTP API. */
export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  json: any;
}

/** A message of the bay's broker. */
export interface Message {
  topic: string;
  payload: string;
  retain: boolean;
}

/** A supervisor with one simulated rack (the demo bay), and clients of it. */
export interface TestBay {
  bay: Bay;
  rack: SimulatedRack;
  supervisor: Supervisor;
  state: string;
  messages: Message[];
  client: MqttClient;
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** The rail of a channel, as the physics has it. */
  rail(channel: number): SimulatedRack["electronics"]["rails"][0];
  /** Stops the supervisor without making anything safe, and starts another on the same state and boards. */
  restart(ready?: boolean, between?: () => void): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestBay(
  overrides: {
    change?: (bay: Bay) => void;
    options?: Partial<SupervisorOptions>;
    login?: { user?: string; password?: string; ca?: Buffer };
  } = {},
): Promise<TestBay> {
  const read = readBayFile(new URL("../../../examples/demo-bay.yml", import.meta.url).pathname);
  if ("faults" in read) throw new Error("the demo bay has faults");
  const { bay } = read;
  overrides.change?.(bay);
  const state = mkdtempSync(join(tmpdir(), "mltb-bay-"));
  const targets = bay.racks[0]?.targets ?? [];
  const rack = await createSimulatedRack({
    rack: "rack1",
    serial: "T",
    bundle: (await buildBundle("monitoring")).source,
    seed: 1,
    clock: "real",
    targets: targets.map((t) => ({ name: t.target, channel: t.channel, load: { idle_w: 1, cpu_w: 0 } })),
  });
  rack.start();
  const start = async (ready: boolean): Promise<Supervisor> => {
    const started = await startSupervisor({
      bay,
      openBoard: () => rack.transport,
      console: (target) => rack.console(target),
      http: { host: "127.0.0.1", port: 0, named: true },
      mqtt: { host: "127.0.0.1", port: 0, named: true },
      stateDir: state,
      log: pino({ level: "silent" }),
      ...overrides.options,
    });
    if (ready) await started.ready();
    return started;
  };
  const connect = async (): Promise<MqttClient> => {
    const connected = mqtt.connect(test.supervisor.mqtt, {
      protocolVersion: 4,
      reconnectPeriod: 50,
      ca: overrides.login?.ca,
      username: overrides.login?.user ?? test.supervisor.mqttUser,
      password: overrides.login?.password ?? readFileSync(test.supervisor.mqttPasswordFile, "utf8").trim(),
    });
    connected.on("message", (topic, payload, packet) => {
      test.messages.push({
        topic: topic.replace(/^mltb\/v1\/demo\//, ""),
        payload: payload.toString(),
        retain: packet.retain,
      });
    });
    await connected.subscribeAsync("mltb/v1/demo/#", { qos: 1 });
    return connected;
  };
  const test: TestBay = {
    bay,
    rack,
    state,
    supervisor: await start(true),
    messages: [],
    client: undefined as never,
    async api(method, path, body, headers = {}) {
      const response = await fetch(`${test.supervisor.http}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${readFileSync(test.supervisor.tokenFile, "utf8").trim()}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
    },
    rail: (channel) => rack.electronics.rails[channel - 1] as SimulatedRack["electronics"]["rails"][0],
    async restart(ready = true, between: () => void = () => undefined) {
      await test.client.endAsync();
      await test.supervisor.stop();
      between();
      test.supervisor = await start(ready);
      test.client = await connect();
    },
    async stop() {
      await test.client.endAsync();
      await test.supervisor.stop();
      await rack.stop();
      rmSync(state, { recursive: true });
    },
  };
  test.client = await connect();
  return test;
}

/** Waits until something is so; throws when it never is. */
export async function until<T>(
  find: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 10_000,
): Promise<T> {
  const started = Date.now();
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() - started > ms) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
