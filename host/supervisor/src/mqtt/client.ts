import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { BayError } from "@mltb/contract";
import mqtt, { type IConnackPacket, type MqttClient } from "mqtt";
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
/** Messages of QoS 1 that a broker takes unacknowledged when it names no number (MQTT 5, 3.2.2.3.3). */
const RECEIVE_MAXIMUM = 65_535;
/** Return codes of a broker that does not take user and password: MQTT 3.1.1, 3.2.2.3, and MQTT 5, 3.2.2.2. */
const LOGIN_REFUSED = new Set<unknown>([4, 5, 134, 135]);

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

interface MqttOptions {
  url: string;
  /** MQTT 5 first, because it tells which fresh message was published as retained, and 3.1.1 where the broker refuses that. */
  newest?: boolean;
  user: string;
  password: string;
  clientId: string;
  will: { topic: string; payload: string };
  /** Certificates (PEM) that the broker's own is checked against, beside those of this machine. */
  ca?: Buffer;
  /** Off only to show what Nagle's algorithm costs. */
  noDelay?: boolean;
}

/** A connection whose broker has said yes, or why there is none; `login`: it is there, and does not take user and password. */
type Opened = { client: MqttClient; welcome: IConnackPacket } | { why: string; login: boolean };

async function open(options: MqttOptions, version: 4 | 5): Promise<Opened> {
  const client: MqttClient = mqtt.connect(options.url, {
    protocolVersion: version,
    clientId: options.clientId,
    username: options.user === "" ? undefined : options.user,
    password: options.password === "" ? undefined : options.password,
    clean: true,
    reconnectPeriod: 200,
    // A broker that starts may refuse for a while.
    reconnectOnConnackError: true,
    ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca.toString()] }),
    connectTimeout: CONNECT_MS,
    will: { topic: options.will.topic, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
  });
  client.on("connect", () => {
    (client.stream as Socket).setNoDelay?.(options.noDelay ?? true);
  });
  return new Promise((resolve) => {
    const fail = (why: string, login = false): void => {
      client.end(true);
      resolve({ why, login });
    };
    const timer = setTimeout(() => fail("no answer"), CONNECT_MS);
    client.once("connect", (welcome) => {
      clearTimeout(timer);
      client.removeAllListeners("error");
      // The client reconnects by itself; an error between is visible as `connected() === false`.
      client.on("error", () => undefined);
      resolve({ client, welcome });
    });
    client.once("error", (error) => {
      clearTimeout(timer);
      client.on("error", () => undefined);
      const { code } = error as { code?: unknown };
      fail(error.message === "" ? String(code ?? "refused") : error.message, LOGIN_REFUSED.has(code));
    });
  });
}

/** Connects to a broker; rejects with `broker_unreachable` when the first connection fails. */
export async function connectMqtt(options: MqttOptions): Promise<MqttLink> {
  // A broker of 3.1.1 alone answers "unacceptable protocol version" (3.2.2.3 there), or hangs up.
  const newest = options.newest === true ? await open(options, 5) : undefined;
  const opened = newest === undefined || "why" in newest ? await open(options, 4) : newest;
  if ("why" in opened) {
    const { url, user } = options;
    if (opened.login) {
      const who = user === "" ? "a login without a user" : `the login of ${user}`;
      throw new BayError(
        "broker_unreachable",
        `the MQTT broker ${url} does not take ${who}: ${opened.why}`,
        "name user and password with --broker-user and --broker-password-file",
      );
    }
    throw new BayError(
      "broker_unreachable",
      `the MQTT broker ${url} cannot be reached: ${opened.why}`,
      "is it running, and are user and password right?",
    );
  }
  const { client } = opened;
  const outbox = new Outbox(OUTBOX);
  let unacknowledged = 0;
  /** Of these, such as the broker acknowledges: it hangs up when they are more than it takes (MQTT 5, 3.3.4). */
  let inFlight = 0;
  let takes = RECEIVE_MAXIMUM;
  const welcomed = ({ properties }: IConnackPacket): void => {
    takes = properties?.receiveMaximum ?? RECEIVE_MAXIMUM;
  };
  welcomed(opened.welcome);
  let losses = 0;
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
    inFlight += qos;
    client.publish(topic, payload, { retain, qos }, () => {
      unacknowledged -= 1;
      inFlight -= qos;
      if (qos === 1) flush();
    });
  }
  function flush(): void {
    while (outbox.size() > 0 && inFlight < takes && ready()) send(outbox.take() as Outgoing);
  }
  client.on("connect", (welcome) => {
    welcomed(welcome);
    flush();
  });
  const flushing = setInterval(flush, FLUSH_MS);

  return {
    publish(topic, payload, options) {
      const message = { topic, payload, ...options };
      // An event that does not wait overtakes what waits for an acknowledgement.
      const turn = (options.qos === 0 && !options.retain) || (outbox.size() === 0 && inFlight < takes);
      if (turn && ready()) send(message);
      else outbox.put(message);
    },
    async subscribe(filter) {
      // Retain As Published (MQTT 5, 3.8.3.1): a fresh message shows that it was published as retained.
      await client.subscribeAsync(filter, { qos: 1, rap: true });
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
      const patience = Date.now() + CONNECT_MS;
      while (client.connected && outbox.size() > 0 && Date.now() < patience) await sleep(FLUSH_MS);
      clearInterval(flushing);
      if (client.connected) await client.publishAsync(last.topic, last.payload, { qos: 1, retain: true });
      await client.endAsync(!client.connected);
    },
  };
}
