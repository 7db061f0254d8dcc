import { topics } from "@mltb/contract";
import mqtt from "mqtt";

/** What an agent says about itself when it comes. */
export interface Birth {
  schema: "mltb.agent/1";
  name: string;
  target: string;
  kind: "inference";
  runtime: { name: string; version: string };
  threads: number;
  grpc: string | null;
  http: string | null;
  metrics: string | null;
  /** Whether it is called over TLS. */
  tls: boolean;
  /** This life of the agent; its answers over gRPC name it, so that nobody takes another agent for it. */
  instance: string;
  /** Boot id of the system that it runs on; null where the system has none. */
  machine: string | null;
  marker: "simulated" | "file" | "none";
  /** What it can be asked for. */
  capabilities: string[];
  /** Whether models have a network. */
  network: "isolated" | "not isolated";
  /** Whether models can write into the folder that they lie in. */
  model_folder: "read-only" | "writable";
  limits: { memory_bytes: number; time_s: number };
  pid: number;
  at: string;
}

/** Whether a measurement runs, and whether the agent takes another one. */
export interface Flags {
  experiment_running: boolean;
  available: boolean;
}

/** One step of what an agent does for somebody, as it goes on. */
export interface StepReport {
  /** Identifies the step through all its reports. */
  id: string;
  step: string;
  state: "running" | "done" | "failed" | "cancelled";
  /** Part that is done, 0 to 1. */
  progress: number;
  message?: string;
}

/** An agent's voice on the bay's broker. While the broker is away reports are counted, not kept. */
export interface Presence {
  flags(flags: Flags): void;
  step(report: StepReport): void;
  log(level: "info" | "warn" | "error", line: string): void;
  /** Reports that found no broker. */
  readonly dropped: number;
  close(): Promise<void>;
}

const HEARTBEAT_MS = 10_000;

/**
 * Announces an agent: retained birth and `online`, `offline` as its will and at a clean end, a heartbeat every ten seconds.
 * The broker may send the will of a process before this one, which it lost later, behind this one's `online`: whoever lives
 * says so again.
 * `vitals` is asked for what a heartbeat tells besides the time. Throws where the broker cannot be reached.
 */
export async function announce(options: {
  url: string;
  user: string;
  password: string;
  bay: string;
  birth: Birth;
  vitals(): Record<string, unknown>;
}): Promise<Presence> {
  const t = topics(options.bay);
  const { name } = options.birth;
  const state = t.agent(name, "state");
  const client = mqtt.connect(options.url, {
    protocolVersion: 4,
    clientId: `mltb-agent-${name}-${process.pid}`,
    username: options.user,
    password: options.password,
    reconnectPeriod: 500,
    keepalive: 5,
    will: { topic: state, payload: Buffer.from("offline"), qos: 1, retain: true },
  });
  let flags: Flags = { experiment_running: false, available: true };
  let dropped = 0;
  const now = (): string => new Date().toISOString();
  const retained = { qos: 1, retain: true } as const;
  const publish = async (): Promise<void> => {
    await client.publishAsync(t.agent(name, "birth"), JSON.stringify(options.birth), retained);
    await client.publishAsync(t.agent(name, "flags"), JSON.stringify(flags), retained);
    await client.publishAsync(state, "online", retained);
  };
  /** Sends now or never: what is old when the broker comes back helps nobody. */
  const say = (topic: string, payload: object, retain = false): void => {
    if (!client.connected) {
      dropped += 1;
      return;
    }
    client.publish(topic, JSON.stringify(payload), { qos: retain ? 1 : 0, retain }, (error) => {
      if (error !== undefined && error !== null) dropped += 1;
    });
  };
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      client.end(true);
      reject(new Error(`the broker ${options.url} cannot be reached: ${error.message}`));
    };
    client.once("error", failed);
    client.once("connect", () => {
      // From now on an error ends nothing: the client tries again until the broker is back.
      client.off("error", failed);
      client.on("error", (error) => process.stderr.write(`broker: ${error.message}\n`));
      resolve();
    });
  });
  await publish();
  let closing = false;
  client.on("message", (topic, payload) => {
    if (topic !== state || closing || payload.toString() === "online") return;
    client.publish(state, "online", retained);
  });
  await client.subscribeAsync(state, { qos: 1 });
  client.on("connect", () => {
    publish().catch((error: Error) => process.stderr.write(`announcing failed: ${error.message}\n`));
  });
  const heartbeat = setInterval(() => {
    say(t.agent(name, "heartbeat"), { at: now(), uptime_s: Math.round(process.uptime()), ...options.vitals() });
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    flags(next) {
      flags = next;
      say(t.agent(name, "flags"), flags, true);
    },
    step: (report) => say(t.agent(name, "event/step"), { ...report, at: now() }),
    log: (level, line) => say(t.agent(name, "event/log"), { level, line, at: now() }),
    get dropped() {
      return dropped;
    },
    async close() {
      closing = true;
      clearInterval(heartbeat);
      if (client.connected) await client.publishAsync(state, "offline", { qos: 1, retain: true });
      await client.endAsync(!client.connected);
    },
  };
}
