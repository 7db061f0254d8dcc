import { expect, test } from "vitest";
import {
  type BoardSession,
  createBoardSession,
  createHostSession,
  type HostSession,
  nodeSeal,
  type RequestOutcome,
  tableFingerprint,
} from "../index.ts";

interface Pair {
  host: HostSession;
  board: BoardSession;
  runs: string[];
  welcomes: boolean[];
  lost: string[];
  now: () => number;
  step(ms: number): void;
  echo(data: string): { outcome?: RequestOutcome };
  restartBoard(): void;
}

/** Both ends over two byte queues; `pass` decides for each write whether it arrives, and how. */
function pair(pass: (bytes: string, toBoard: boolean) => string[] = (bytes) => [bytes]): Pair {
  const toBoard: string[] = [];
  const toHost: string[] = [];
  let now = 0;
  let epoch = 1;
  const p = { runs: [] as string[], welcomes: [] as boolean[], lost: [] as string[] };
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
          fingerprint: tableFingerprint(),
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
          if (data !== "silent") board.answer(tag, "echo_answer", { data });
        },
        onHost: () => undefined,
        clock: () => ({ tick_us: now * 1000, uptime_ms: now }),
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
    echo(data) {
      const result: { outcome?: RequestOutcome } = {};
      host.request("echo", { data }, 4000, now, (outcome) => {
        result.outcome = outcome;
      });
      return result;
    },
    restartBoard() {
      epoch += 1;
      board = makeBoard();
    },
  };
}

/** Seeded uniform numbers. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

test("a request is answered, bytes of every value intact", () => {
  const p = pair();
  p.step(20);
  const all = Array.from({ length: 230 }, (_, i) => String.fromCharCode((i * 7) % 256)).join("");
  const result = p.echo(all);
  p.step(20);
  expect(result.outcome).toEqual({ kind: "answer", name: "echo_answer", body: { data: all } });
});

for (const seed of [1, 2, 3, 4]) {
  test(`with a tenth of the writes dropped, doubled or damaged every request runs once and in order (seed ${seed})`, () => {
    const next = uniform(seed);
    let noisy = false;
    const p = pair((bytes) => {
      const dice = noisy ? next() : 1;
      if (dice < 0.04) return [];
      if (dice < 0.07) return [bytes, bytes];
      if (dice < 0.1) return [`${bytes.slice(0, 3)}~${bytes.slice(4)}`];
      return [bytes];
    });
    p.step(20);
    noisy = true;
    const results = Array.from({ length: 60 }, (_, i) => p.echo(`request ${i}`));
    p.step(8000);
    const answered = results.filter((result) => result.outcome?.kind === "answer").length;
    expect(new Set(p.runs).size).toBe(p.runs.length);
    expect(p.runs).toEqual([...p.runs].sort((a, b) => Number(a.slice(8)) - Number(b.slice(8))));
    expect(answered).toBeGreaterThan(p.lost.length > 0 ? 0 : 59);
    expect(results.every((result) => result.outcome !== undefined)).toBe(true);
  });
}

test("board-restart-mid-request: the outcome is unknown and nothing is sent again", () => {
  const p = pair();
  p.step(20);
  const result = p.echo("silent");
  p.step(10);
  p.restartBoard();
  p.step(3000);
  expect(result.outcome).toEqual({ kind: "unknown" });
  expect(p.runs).toEqual(["silent"]);
  expect(p.welcomes).toEqual([false, true]);
});

test("a board that falls silent is lost within a second and a request fails, another session opens when it is back", () => {
  let cut = false;
  const p = pair((bytes) => (cut ? [] : [bytes]));
  p.step(20);
  cut = true;
  const result = p.echo("into the void");
  p.step(1100);
  expect(p.lost.length).toBe(1);
  expect(result.outcome).toEqual({ kind: "unknown" });
  cut = false;
  p.step(400);
  expect(p.host.port.open).toBe(true);
  expect(p.runs).toEqual([]);
});
