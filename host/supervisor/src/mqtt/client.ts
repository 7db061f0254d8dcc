import type { Socket } from "node:net";
import { BayError } from "@mltb/contract";
import mqtt, { type MqttClient } from "mqtt";

/** Messages kept while the broker is away; state topics are re-published at reconnect anyway. */
const OUTBOX = 1000;
const CONNECT_MS = 5000;

export interface MqttLink {
  /** Publishes; while the broker is away up to `OUTBOX` messages wait, further ones are counted and dropped. */
  publish(topic: string, payload: string, options: { retain: boolean; qos: 0 | 1 }): void;
  subscribe(filter: string): Promise<void>;
  onMessage(handler: (topic: string, payload: Buffer, retained: boolean) => void): void;
  /** Called at every connection but the first. */
  onReconnect(handler: () => void): void;
  dropped(): number;
  connected(): boolean;
  /** Time of the last connection error (ms since the epoch), 0 when there was none. */
  lastError(): number;
  /** Publishes a last message, waits for everything and disconnects cleanly, so that the will is not sent. */
  close(last: { topic: string; payload: string }): Promise<void>;
}

/** Connects to an MQTT 3.1.1 broker; rejects with `broker_unreachable` when the first connection fails. */
export async function connectMqtt(options: {
  url: string;
  user: string;
  password: string;
  clientId: string;
  will: { topic: string; payload: string };
  /** Off only to show what Nagle's algorithm costs. */
  noDelay?: boolean;
}): Promise<MqttLink> {
  const client: MqttClient = mqtt.connect(options.url, {
    protocolVersion: 4,
    clientId: options.clientId,
    username: options.user === "" ? undefined : options.user,
    password: options.password === "" ? undefined : options.password,
    clean: true,
    reconnectPeriod: 200,
    connectTimeout: CONNECT_MS,
    will: { topic: options.will.topic, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
  });
  client.on("connect", () => {
    (client.stream as Socket).setNoDelay?.(options.noDelay ?? true);
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      client.end(true);
      reject(
        new BayError(
          "broker_unreachable",
          `the MQTT broker ${options.url} cannot be reached: ${why}`,
          "is it running, and are user and password right?",
        ),
      );
    };
    const timer = setTimeout(() => fail("no answer"), CONNECT_MS);
    client.once("connect", () => {
      clearTimeout(timer);
      client.removeAllListeners("error");
      resolve();
    });
    client.once("error", (error) => {
      clearTimeout(timer);
      fail(error.message === "" ? ((error as NodeJS.ErrnoException).code ?? "refused") : error.message);
    });
  });
  let dropped = 0;
  let lastError = 0;
  // The client reconnects by itself; an error between is visible as `connected() === false`.
  client.on("error", () => {
    lastError = Date.now();
  });
  return {
    publish(topic, payload, { retain, qos }) {
      if (!client.connected && client.queue.length >= OUTBOX) {
        dropped += 1;
        return;
      }
      client.publish(topic, payload, { retain, qos });
    },
    async subscribe(filter) {
      await client.subscribeAsync(filter, { qos: 1 });
    },
    onMessage(handler) {
      client.on("message", (topic, payload, packet) => handler(topic, payload, packet.retain));
    },
    onReconnect(handler) {
      client.on("connect", handler);
    },
    dropped: () => dropped,
    connected: () => client.connected,
    lastError: () => lastError,
    async close(last) {
      if (client.connected) await client.publishAsync(last.topic, last.payload, { qos: 1, retain: true });
      await client.endAsync(!client.connected);
    },
  };
}
