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
  marker: "simulated" | "none";
  pid: number;
  at: string;
}

export interface Presence {
  close(): Promise<void>;
}

/** Announces an agent: retained birth and `online`, `offline` as its will and at a clean end. */
export async function announce(options: {
  url: string;
  user: string;
  password: string;
  bay: string;
  birth: Birth;
}): Promise<Presence> {
  const t = topics(options.bay);
  const state = t.agent(options.birth.name, "state");
  const client = mqtt.connect(options.url, {
    protocolVersion: 4,
    clientId: `mltb-agent-${options.birth.name}-${process.pid}`,
    username: options.user,
    password: options.password,
    reconnectPeriod: 500,
    keepalive: 5,
    will: { topic: state, payload: Buffer.from("offline"), qos: 1, retain: true },
  });
  const publish = async (): Promise<void> => {
    await client.publishAsync(t.agent(options.birth.name, "birth"), JSON.stringify(options.birth), {
      qos: 1,
      retain: true,
    });
    await client.publishAsync(state, "online", { qos: 1, retain: true });
  };
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", (error) => {
      client.end(true);
      reject(new Error(`the broker ${options.url} cannot be reached: ${error.message}`));
    });
  });
  await publish();
  client.on("connect", () => {
    publish().catch((error: Error) => process.stderr.write(`announcing failed: ${error.message}\n`));
  });
  client.on("error", (error) => process.stderr.write(`broker: ${error.message}\n`));
  return {
    async close() {
      if (client.connected) await client.publishAsync(state, "offline", { qos: 1, retain: true });
      await client.endAsync(!client.connected);
    },
  };
}
