import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { BayError } from "@mltb/contract";
import mqtt, { type MqttClient } from "mqtt";
import { Outbox, type Outgoing } from "./outbox.ts";

/**
 * Messages that wait while the broker is away or slow. Commands come through the broker: there are no more answers than two
 * for each that was under way when it went, which is 60 for each of 256 boards.
 */
const OUTBOX = { answers: 32_768, events: 1000 };
/** The broker is slow when so many messages of QoS 1 are unacknowledged, or so many bytes wait in the socket. */
const UNACKNOWLEDGED = 1000;
const BACKLOG_BYTES = 1_000_000;
const FLUSH_MS = 20;
const CONNECT_MS = 5000;

export interface MqttLink {
  /** Publishes; while the broker is away or slow the message waits in the outbox. */
  publish(topic: string, payload: string, options: { retain: boolean; qos: 0 | 1; answer?: boolean }): void;
  subscribe(filter: string): Promise<void>;
  onMessage(handler: (topic: string, payload: Buffer, retained: boolean) => void): void;
  /** Called at every connection but the first. */
  onReconnect(handler: () => void): void;
  connected(): boolean;
  /** What waits, and what was not sent; connections to the broker that were lost. */
  counters(): { waiting: number; coalesced: number; dropped: number; losses: number };
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
  /** Certificates (PEM) that the broker's own is checked against, beside those of this machine. */
  ca?: Buffer;
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
    ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca.toString()] }),
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
  const outbox = new Outbox(OUTBOX);
  let unacknowledged = 0;
  let losses = 0;
  // The client reconnects by itself; an error between is visible as `connected() === false`.
  client.on("error", () => undefined);
  client.on("close", () => {
    if (client.disconnecting === false) losses += 1;
  });

  /**
   * Nothing is handed to the client's own queue: it would send states of long ago after the newest. What the broker has
   * not acknowledged is sent again by the client before it says that it is connected.
   */
  function ready(): boolean {
    const { writableLength } = client.stream as Socket;
    return client.connected && unacknowledged < UNACKNOWLEDGED && (writableLength ?? 0) < BACKLOG_BYTES;
  }
  function send({ topic, payload, retain, qos }: Outgoing): void {
    unacknowledged += 1;
    client.publish(topic, payload, { retain, qos }, () => {
      unacknowledged -= 1;
    });
  }
  function flush(): void {
    while (outbox.size() > 0 && ready()) send(outbox.take() as Outgoing);
  }
  client.on("connect", flush);
  const flushing = setInterval(flush, FLUSH_MS);

  return {
    publish(topic, payload, options) {
      const message = { topic, payload, ...options };
      if (outbox.size() === 0 && ready()) send(message);
      else outbox.put(message);
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
    connected: () => client.connected,
    counters: () => ({ waiting: outbox.size(), ...outbox.counters, losses }),
    async close(last) {
      clearInterval(flushing);
      flush();
      if (client.connected) await client.publishAsync(last.topic, last.payload, { qos: 1, retain: true });
      await client.endAsync(!client.connected);
    },
  };
}
