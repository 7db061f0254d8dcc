import {
  type AnswerOf,
  type Body,
  createHostSession,
  type HostSession,
  type Message,
  nodeSeal,
  type RequestName,
  type RequestOutcome,
} from "@mltb/protocol";
import type { MonitoringElectronics } from "../src/index.ts";

/** What a rung offers to the bench: a board with its electronics, moved by virtual time. */
export interface Rung {
  electronics: MonitoringElectronics;
  advance(ms: number): void;
  /** Bytes to the board. */
  write(bytes: Uint8Array): void;
  /** Bytes that the board has sent since the last call, as a latin1 string. */
  take(): string;
  press(button: "up" | "down" | "select" | "stop", ms: number): void;
  /** Time of the board, as exact as the rung knows it. */
  clock_us(): number;
  /** Restarts the controller. */
  restart(): void;
  stop(): Promise<void>;
}

/** A rung with a host session on its link; the host lives in the board's virtual time. */
export interface Bench {
  electronics: MonitoringElectronics;
  session: HostSession;
  /** What the board said at the last hello. */
  welcome(): Message<"welcome"> | undefined;
  messages: { name: string; body: Body }[];
  /** Pings answered so far, and the longest that an answer took on the board's clock. */
  pongs(): number;
  slowestPong_ms(): number;
  run(ms: number): Promise<void>;
  /** Bytes past the session, as noise on the line. */
  write(bytes: Uint8Array): void;
  /** From here on the host neither sends nor hears. */
  unplug(): void;
  press: Rung["press"];
  restart: Rung["restart"];
  clock_us: Rung["clock_us"];
  /** Sends a request and leaves it to `run` to move time. */
  send<N extends RequestName>(name: N, body: Message<N>): Promise<RequestOutcome<AnswerOf<N>>>;
  /** Sends a request and moves time until it has ended. Only one at a time. */
  request<N extends RequestName>(name: N, body: Message<N>, timeout_ms?: number): Promise<RequestOutcome<AnswerOf<N>>>;
  stop(): Promise<void>;
}

/** Connects a host to the rung and runs until the board has settled. */
export async function openBench(rung: Rung): Promise<Bench> {
  const messages: Bench["messages"] = [];
  let welcome: Message<"welcome"> | undefined;
  let now = 0;
  let plugged = true;
  let pongs = 0;
  let slowest = 0;
  const session = createHostSession(
    { write: (bytes) => plugged && rung.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
    nodeSeal,
    "virtual-bench",
    7,
    {
      onWelcome: (body) => {
        welcome = body;
      },
      onMessage: (name, body) => messages.push({ name, body }),
      onLost: () => undefined,
      onPong: (_body, round_trip_ms) => {
        pongs += 1;
        slowest = Math.max(slowest, round_trip_ms);
      },
    },
  );
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      now += 1;
      rung.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      const bytes = rung.take();
      if (!plugged) continue;
      if (bytes !== "") session.rx(bytes, now);
      session.tick(now);
    }
  };
  session.connect(0);
  await run(400);
  return {
    electronics: rung.electronics,
    session,
    messages,
    welcome: () => welcome,
    pongs: () => pongs,
    slowestPong_ms: () => slowest,
    run,
    write: rung.write,
    press: rung.press,
    restart: rung.restart,
    clock_us: rung.clock_us,
    unplug() {
      plugged = false;
    },
    send: (name, body) => new Promise((resolve) => session.request(name, body, 5000, now, resolve)),
    async request(name, body, timeout_ms = 5000) {
      let result: RequestOutcome<AnswerOf<typeof name>> | undefined;
      session.request(name, body, timeout_ms, now, (outcome) => {
        result = outcome;
      });
      while (result === undefined) await run(1);
      return result;
    },
    stop: rung.stop,
  };
}
