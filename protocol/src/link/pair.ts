import {
  type BoardSession,
  createBoardSession,
  createHostSession,
  type HostSession,
  nodeSeal,
  type RequestOutcome,
} from "../index.ts";
import { TABLE_FINGERPRINT } from "../messages/table-fingerprint.ts";

/** Two ends in virtual time, for tests. */
export interface Pair {
  host: HostSession;
  board: BoardSession;
  runs: string[];
  welcomes: boolean[];
  lost: string[];
  now: () => number;
  step(ms: number): void;
  /** The host's process gets no time: the board goes on, and what it sends waits. */
  holdHost(ms: number): void;
  echo(data: string): { outcome?: RequestOutcome };
  restartBoard(): void;
  /** Requests of the board's side that wait for an answer by hand. */
  answer(data: string): void;
  busy: string[];
}

/** Both ends over two byte queues; `pass` decides for each write whether it arrives, and how. */
export function pair(pass: (bytes: string, toBoard: boolean) => string[] = (bytes) => [bytes]): Pair {
  const toBoard: string[] = [];
  const toHost: string[] = [];
  let now = 0;
  let epoch = 1;
  const p = { runs: [] as string[], welcomes: [] as boolean[], lost: [] as string[], busy: [] as string[] };
  const waiting = new Map<string, number>();
  const makeBoard = (): BoardSession => {
    const board: BoardSession = createBoardSession(
      { write: (bytes) => toHost.push(...pass(bytes, false)), room: () => 9999 },
      nodeSeal,
      {
        welcome: () => ({
          major: 1,
          minor: 0,
          nonce: 0,
          epoch,
          window: 4,
          body_limit: 243,
          fingerprint: TABLE_FINGERPRINT,
          reset_cause: 0,
          uptime_ms: now,
          kind: "test",
          serial: "T1",
          firmware: "0",
          capabilities: "power:1",
        }),
        onRequest: (_name, body, tag) => {
          const data = body["data"] as string;
          p.runs.push(data);
          if (data.startsWith("later")) waiting.set(data, tag);
          else if (data !== "silent") board.answer(tag, "echo_answer", { data });
        },
        onHost: () => undefined,
        ticks_us: () => now * 1000,
      },
    );
    return board;
  };
  let board = makeBoard();
  const host = createHostSession(
    { write: (bytes) => toBoard.push(...pass(bytes, true)), room: () => 9999 },
    nodeSeal,
    "test",
    42,
    {
      onWelcome: (_welcome, restarted) => p.welcomes.push(restarted),
      onMessage: () => undefined,
      onLost: (reason) => p.lost.push(reason),
      onPong: () => undefined,
      onBusy: (body) => p.busy.push(body.holder),
    },
  );
  host.connect(0);
  return {
    ...p,
    host,
    get board() {
      return board;
    },
    now: () => now,
    step(ms) {
      for (let i = 0; i < ms; i += 1) {
        now += 1;
        host.tick(now);
        for (const bytes of toBoard.splice(0)) board.rx(bytes, now);
        board.tick(now, 10);
        for (const bytes of toHost.splice(0)) host.rx(bytes, now);
      }
    },
    holdHost(ms) {
      for (let i = 0; i < ms; i += 1) {
        now += 1;
        for (const bytes of toBoard.splice(0)) board.rx(bytes, now);
        board.tick(now, 10);
      }
    },
    echo(data) {
      const result: { outcome?: RequestOutcome } = {};
      host.request("echo", { data }, 4000, now, (outcome) => {
        result.outcome = outcome;
      });
      return result;
    },
    answer(data) {
      board.answer(waiting.get(data) ?? 0, "echo_answer", { data });
    },
    restartBoard() {
      epoch += 1;
      board = makeBoard();
    },
  };
}

/** Seeded uniform numbers. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
