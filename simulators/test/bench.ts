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
import type { World } from "./world.ts";

/** What a rung offers to the bench: a board, moved by virtual time or by the clock of the host. */
export interface Rung {
  /** The electronics of a simulated monitoring board. */
  electronics?: MonitoringElectronics;
  /** What is behind the board's pins; a real board has nothing there that a test can see. */
  world?: World;
  /** Number of the host's process; a board that outlives one bench needs another for the next. */
  nonce?: number;
  /** Moves virtual time, or waits. */
  advance(ms: number): void | Promise<void>;
  /** The clock of a rung that runs in real time; without it time is what `advance` has moved. */
  now_ms?(): number;
  /** Bytes to the board. */
  write(bytes: Uint8Array): void;
  /** Bytes that the board has sent since the last call, as a latin1 string. */
  take(): string;
  press(button: "up" | "down" | "select" | "stop", ms: number): void;
  /** Time of the board, as exact as the rung knows it. */
  clock_us(): number;
  /** Restarts the controller, where the rung can. */
  restart?(): void;
  /** Lets the supply of the whole board fail and come back, where the rung can. */
  powerCycle?(): void;
  /** Makes the firmware hang, where the rung can: nothing but its watchdog ends it. */
  hang?(): void | Promise<void>;
  stop(): Promise<void>;
}

/** A rung whose board is a simulated monitoring board. */
export interface MonitoringRung extends Rung {
  electronics: MonitoringElectronics;
}

/** A rung with a host session on its link; the host lives in the rung's time. */
export interface Bench {
  /** Only of a simulated monitoring board. */
  readonly electronics: MonitoringElectronics;
  /** Only where the rung has one: scenarios that look behind the pins need `physics`. */
  readonly world: World;
  /** Number of the host as the board knows it. */
  readonly nonce: number;
  /** Words that scenarios need beside the board's capabilities. */
  offers: string[];
  readonly session: HostSession;
  /** What the board said at the last hello. */
  welcome(): Message<"welcome"> | undefined;
  messages: { name: string; body: Body }[];
  /** Pings answered so far, and the longest that an answer took on the board's clock. */
  pongs(): number;
  slowestPong_ms(): number;
  /** Whole microseconds are kept; the host is served each millisecond. */
  run(ms: number): Promise<void>;
  /** Bytes past the session, as noise on the line. */
  write(bytes: Uint8Array): void;
  /** Hears what the board sends, as a latin1 string, beside the session. */
  onBytes: (bytes: string) => void;
  /**
   * The host's process ends without a word, and another one begins, with a number of its own: the board takes it when the
   * session before has been silent for its time. What the host before has asked for stays unanswered.
   */
  restartHost(): Promise<void>;
  /** From here on the host neither sends nor hears. */
  unplug(): void;
  press: Rung["press"];
  restart(): void;
  powerCycle(): void;
  hang(): Promise<void>;
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
  let now_us = 0;
  let plugged = true;
  let pongs = 0;
  let slowest = 0;
  let nonce = rung.nonce ?? 7;
  const clock = (): number => Math.floor(rung.now_ms?.() ?? now_us / 1000);
  function host(): HostSession {
    return createHostSession(
      { write: (bytes) => plugged && rung.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
      nodeSeal,
      "virtual-bench",
      nonce,
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
  }
  let session = host();
  const tap: Pick<Bench, "onBytes"> = { onBytes: () => undefined };
  const run = async (ms: number): Promise<void> => {
    const reached_us = (): number => (rung.now_ms === undefined ? now_us : clock() * 1000);
    for (const until_us = reached_us() + Math.round(ms * 1000); reached_us() < until_us; ) {
      const step_us = Math.min(1000, until_us - reached_us());
      await rung.advance(step_us / 1000);
      now_us += step_us;
      await new Promise((resolve) => setImmediate(resolve));
      const bytes = rung.take();
      if (!plugged) continue;
      const now = clock();
      if (bytes !== "") tap.onBytes(bytes);
      if (bytes !== "") session.rx(bytes, now);
      session.tick(now);
    }
  };
  session.connect(clock());
  await run(400);
  // The port of an emulated UART may take a second until it carries anything.
  for (let tries = 0; welcome === undefined && rung.now_ms !== undefined && tries < 30; tries += 1) await run(100);
  return {
    get electronics() {
      if (rung.electronics === undefined) throw new Error("this rung is no simulated monitoring board");
      return rung.electronics;
    },
    get world() {
      if (rung.world === undefined) throw new Error("nothing is to be seen behind the pins of this board");
      return rung.world;
    },
    get nonce() {
      return nonce;
    },
    offers: [
      ...(rung.world === undefined ? [] : ["physics"]),
      ...(rung.world?.removeMonitor === undefined ? [] : ["removable-parts"]),
      ...(rung.world?.breakChannel === undefined ? [] : ["breakable"]),
      ...(rung.restart === undefined ? [] : ["restarts"]),
      ...(rung.hang === undefined ? [] : ["hangs"]),
    ],
    get session() {
      return session;
    },
    messages,
    welcome: () => welcome,
    pongs: () => pongs,
    slowestPong_ms: () => slowest,
    run,
    write: rung.write,
    get onBytes() {
      return tap.onBytes;
    },
    set onBytes(told) {
      tap.onBytes = told;
    },
    press: rung.press,
    restart() {
      if (rung.restart === undefined) throw new Error("this rung cannot restart its controller");
      rung.restart();
    },
    powerCycle() {
      if (rung.powerCycle === undefined) throw new Error("this rung cannot take the board's supply away");
      rung.powerCycle();
    },
    async hang() {
      if (rung.hang === undefined) throw new Error("this rung cannot make its firmware hang");
      await rung.hang();
    },
    clock_us: rung.clock_us,
    async restartHost() {
      welcome = undefined;
      nonce += 1;
      session = host();
      session.connect(clock());
      for (let tries = 0; welcome === undefined && tries < 30; tries += 1) await run(100);
      if (welcome === undefined) throw new Error("the board did not take the host that began anew");
    },
    unplug() {
      plugged = false;
    },
    send: (name, body) => new Promise((resolve) => session.request(name, body, 5000, clock(), resolve)),
    async request(name, body, timeout_ms = 5000) {
      let result: RequestOutcome<AnswerOf<typeof name>> | undefined;
      session.request(name, body, timeout_ms, clock(), (outcome) => {
        result = outcome;
      });
      while (result === undefined) await run(1);
      return result;
    },
    stop: rung.stop,
  };
}
