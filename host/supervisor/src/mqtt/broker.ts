import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { BayError } from "@mltb/contract";
import { Aedes } from "aedes";
import { PacketLimit } from "./packet-limit.ts";
import { RetainedLimit, type Retention } from "./retained-limit.ts";

/** A subscriber is cut off when this many bytes wait for it; the buffer of its socket holds a bit more. */
const SLOW_BYTES = 1_000_000;
const SOCKET_BYTES = 2_000_000;
const LOOK_MS = 100;
/** Connections at one time; further ones are closed at once. */
const CONNECTIONS = 2000;

/** Who may publish what. `+` and `#` as in MQTT. */
export interface BrokerUser {
  name: string;
  password: string;
  /** Topic filters that the user may publish to; everybody with a login may subscribe. */
  publish: string[];
  /** What it may leave there as retained; where it is not given, whatever it may publish. */
  retain?: Retention;
}

export interface Broker {
  port: number;
  /** Address without TLS for programs of this machine; loopback only. */
  local: string;
  /** Clients that were cut off: they did not read, or sent a packet that is too long. */
  cut(): number;
  close(): Promise<void>;
}

function matches(filter: string, topic: string): boolean {
  const f = filter.split("/");
  const t = topic.split("/");
  for (let i = 0; i < f.length; i += 1) {
    if (f[i] === "#") return true;
    if (f[i] !== "+" && f[i] !== t[i]) return false;
  }
  return f.length === t.length;
}

function same(a: string, b: string): boolean {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

/** Listens; a named port that is taken is an error, a default one gives way to a free one. */
export async function listen(server: Server, host: string, port: number, named: boolean): Promise<number> {
  const attempt = (wanted: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port: wanted }, () => {
        server.off("error", reject);
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : wanted);
      });
    });
  try {
    return await attempt(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    if (!named) return attempt(0);
    throw new BayError("port_in_use", `port ${port} on ${host} is in use`, "name another port, or 0 for a free one");
  }
}

/**
 * The embedded MQTT 3.1.1 broker. Nagle's algorithm is off on every connection: with delayed acknowledgements it would
 * hold small messages back for up to 40 ms.
 */
export async function startBroker(options: {
  host: string;
  port: number;
  named: boolean;
  users: BrokerUser[];
  noDelay?: boolean;
  /** With a certificate the named address speaks TLS; programs of this machine use a loopback port of their own. */
  tls?: { cert: Buffer; key: Buffer };
}): Promise<Broker> {
  // A client that does not read must not hold the others up: the broker waits for nobody for long.
  const aedes = await Aedes.createBroker({ drainTimeout: 1000 });
  const users = new Map(options.users.map((user) => [user.name, user]));
  const names = new WeakMap<object, BrokerUser>();
  const limits = new Map<string, RetainedLimit>();
  for (const { name, retain } of options.users) if (retain !== undefined) limits.set(name, new RetainedLimit(retain));

  // What a client misses while it is away is not kept for it: it would be kept without limit, for clients that never come back.
  aedes.preConnect = (_client, packet, done) => {
    packet.clean = true;
    done(null, true);
  };
  aedes.authenticate = (client, username, password, done) => {
    const user = users.get(username ?? "");
    if (user === undefined || !same(user.password, password?.toString() ?? "")) {
      done(Object.assign(new Error("bad user name or password"), { returnCode: 4 }) as never, null);
      return;
    }
    names.set(client, user);
    done(null, true);
  };
  aedes.authorizePublish = (client, packet, done) => {
    const user = client === null ? undefined : names.get(client);
    if (user === undefined || !user.publish.some((filter) => matches(filter, packet.topic))) {
      done(new Error(`${user?.name ?? "?"} may not publish to ${packet.topic}`));
      return;
    }
    const limit = packet.retain ? limits.get(user.name) : undefined;
    const why = limit?.refusal(packet.topic, packet.payload.length);
    if (why !== undefined) {
      done(new Error(`${user.name} may leave nothing at ${packet.topic}: ${why}`));
      return;
    }
    // MQTT 3.1.1 hides from a subscriber that a fresh message was published as retained. A retained command would run
    // again at every reconnect, so it is diverted to where the supervisor refuses it, and never stored.
    if (packet.retain && packet.payload.length > 0 && packet.topic.includes("/cmd/")) {
      packet.topic = packet.topic.replace("/cmd/", "/cmd-retained/");
      packet.retain = false;
    }
    done(null);
  };

  const sockets = new Set<Socket>();
  let cut = 0;
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    const limit = new PacketLimit();
    const read = socket.read.bind(socket);
    socket.read = (size) => {
      const chunk: Buffer | null = read(size);
      if (chunk === null || limit.take(chunk)) return chunk;
      cut += 1;
      socket.destroy();
      return null;
    };
    socket.on("close", () => sockets.delete(socket));
    aedes.handle(socket);
  };
  const plain = { noDelay: options.noDelay ?? true, highWaterMark: SOCKET_BYTES };
  const servers: Server[] = [
    options.tls === undefined ? createServer(plain, serve) : secured(options.tls, plain, serve),
  ];
  for (const server of servers) server.maxConnections = CONNECTIONS;
  const port = await listen(servers[0] as Server, options.host, options.port, options.named);
  let local = `mqtt://${options.host}:${port}`;
  if (options.tls !== undefined) {
    const inner = createServer(plain, serve);
    inner.maxConnections = CONNECTIONS;
    servers.push(inner);
    local = `mqtt://127.0.0.1:${await listen(inner, "127.0.0.1", 0, true)}`;
  }
  const looking = setInterval(() => {
    for (const socket of sockets) {
      if (socket.writableLength < SLOW_BYTES || socket.destroyed) continue;
      cut += 1;
      socket.destroy();
    }
  }, LOOK_MS);
  return {
    port,
    local,
    cut: () => cut,
    async close() {
      clearInterval(looking);
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

function secured(tls: { cert: Buffer; key: Buffer }, plain: object, serve: (socket: Socket) => void): Server {
  const server = createTlsServer({ ...plain, ...tls, minVersion: "TLSv1.2" }, serve);
  // A client that speaks no TLS, or does not trust the certificate, is its own loss.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}
