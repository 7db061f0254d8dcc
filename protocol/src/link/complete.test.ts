import { expect, test } from "vitest";
import {
  allMessages,
  createHostSession,
  type Descriptor,
  decodeFrame,
  encodeFrame,
  type Frame,
  HOLD_MS,
  Kind,
  type Message,
  nodeSeal,
  REQUESTS_RUN,
  type RequestOutcome,
} from "../index.ts";
import { decode, encode, tableLines } from "../messages/index.ts";
import { pair } from "./pair.ts";

/** The frame in a write, or undefined where it is none. */
function frameOf(bytes: string): Frame | undefined {
  const frame = decodeFrame(bytes.slice(0, -1), nodeSeal);
  return typeof frame === "string" ? undefined : frame;
}

test("a lost frame costs one nak and no time-out: the rest of the window is sent again at once", () => {
  let drop = false;
  const p = pair((bytes, toBoard) => {
    const lost = drop && toBoard && frameOf(bytes)?.kind === Kind.request;
    if (lost) drop = false;
    return lost ? [] : [bytes];
  });
  p.step(20);
  drop = true;
  const results = ["a", "b", "c"].map((data) => p.echo(data));
  p.step(6);
  expect(results.map((result) => result.outcome?.kind)).toEqual(["answer", "answer", "answer"]);
  expect(p.runs).toEqual(["a", "b", "c"]);
  expect(p.board.port.counters.naks_sent).toBe(1);
  expect(p.host.port.counters.naks_heard).toBe(1);
});

test("a gap is told once, however many frames stand behind it", () => {
  let dropping = false;
  const p = pair((bytes, toBoard) => {
    const frame = frameOf(bytes);
    return dropping && toBoard && frame?.kind === Kind.request && frame.seq === 0 ? [] : [bytes];
  });
  p.step(20);
  dropping = true;
  for (const data of ["a", "b", "c", "d"]) p.echo(data);
  p.step(20);
  expect(p.board.port.counters.out_of_order).toBeGreaterThan(3);
  expect(p.board.port.counters.naks_sent).toBe(1);
  expect(p.runs).toEqual([]);
});

test("a board that runs as many requests as it can run grants no credit: the host waits, nothing is lost", () => {
  const p = pair();
  p.step(20);
  const names = Array.from({ length: REQUESTS_RUN + 3 }, (_, n) => `later ${n}`);
  const results = names.map((name) => p.echo(name));
  p.step(150);
  expect(p.runs).toEqual(names.slice(0, REQUESTS_RUN));
  // A probe may come; it is refused and counted, never run.
  for (let n = 0; n < names.length; n += 1) {
    p.answer(names[n] as string);
    p.step(150);
  }
  expect(p.runs).toEqual(names);
  expect(results.every((result) => result.outcome?.kind === "answer")).toBe(true);
  expect(p.lost).toEqual([]);
});

test("a probe without credit is counted and runs later", () => {
  const p = pair();
  p.step(20);
  const names = Array.from({ length: REQUESTS_RUN + 1 }, (_, n) => `later ${n}`);
  for (const name of names) p.echo(name);
  p.step(700);
  expect(p.board.port.counters.no_credit).toBeGreaterThan(0);
  p.answer("later 0");
  p.step(400);
  expect(p.runs).toEqual(names);
});

/** A second host on the same line. */
function second(p: ReturnType<typeof pair>, nonce: number) {
  const heard = { busy: [] as string[], welcome: 0 };
  const host = createHostSession(
    { write: (bytes) => p.board.rx(bytes, p.now()), room: () => 9999 },
    nodeSeal,
    "second",
    nonce,
    {
      onWelcome: () => {
        heard.welcome += 1;
      },
      onMessage: () => undefined,
      onLost: () => undefined,
      onPong: () => undefined,
      onBusy: (body) => heard.busy.push(body.holder),
    },
  );
  return { host, heard };
}

test("a second host is answered busy with the holder's name until the session was silent for a second", () => {
  let cut = false;
  const other: { rx?: (bytes: string) => void } = {};
  const p = pair((bytes, toBoard) => {
    if (!toBoard) other.rx?.(bytes);
    return cut ? [] : [bytes];
  });
  p.step(20);
  const { host, heard } = second(p, 43);
  other.rx = (bytes) => host.rx(bytes, p.now());
  host.connect(p.now());
  for (let i = 0; i < 300; i += 1) {
    p.step(1);
    host.tick(p.now());
  }
  expect(heard.busy).toContain("test");
  expect(heard.welcome).toBe(0);
  expect(p.echo("mine").outcome).toBeUndefined();
  p.step(10);
  expect(p.runs).toEqual(["mine"]);
  cut = true;
  for (let i = 0; i < HOLD_MS + 400; i += 1) {
    p.step(1);
    host.tick(p.now());
  }
  expect(heard.welcome).toBe(1);
});

test("the session's own host may say hello again at any time", () => {
  const p = pair();
  p.step(20);
  p.host.connect(p.now());
  p.host.port.open = false;
  p.step(250);
  expect(p.welcomes.length).toBe(2);
  expect(p.board.port.counters.busy).toBe(0);
});

test("a request frame that comes again behind a new hello of its host is not run again, and its answer is repeated", () => {
  let request = "";
  const answers: Frame[] = [];
  const p = pair((bytes, toBoard) => {
    const frame = frameOf(bytes);
    if (toBoard && frame?.kind === Kind.request) request = bytes;
    if (!toBoard && frame?.kind === Kind.response) answers.push(frame);
    return [bytes];
  });
  p.step(20);
  const first = p.echo("once");
  p.step(20);
  expect(first.outcome).toMatchObject({ kind: "answer" });
  const frame = frameOf(request) as Frame;
  expect(frame.seq).toBe(0);
  p.host.connect(p.now());
  p.host.port.open = false;
  p.step(250);
  expect(p.welcomes).toHaveLength(2);
  answers.length = 0;
  p.board.rx(request, p.now());
  p.step(1);
  expect(p.runs).toEqual(["once"]);
  expect(p.board.port.counters.repeated_answers).toBe(1);
  expect(answers.map(({ tag, body }) => ({ tag, body }))).toEqual([{ tag: frame.tag, body: "once" }]);

  // Another host counts its tags anew: the same frame of it is another request.
  p.host.close();
  p.step(2);
  const { host, heard } = second(p, 43);
  host.connect(p.now());
  host.tick(p.now());
  p.step(2);
  expect(p.board.port.open).toBe(true);
  expect(heard.busy).toEqual([]);
  p.board.rx(request, p.now());
  expect(p.runs).toEqual(["once", "once"]);
  expect(p.board.port.counters.repeated_answers).toBe(1);
});

test("a board that grants a smaller window is never sent more frames than that without its ack", () => {
  const WINDOW = 2;
  let deaf = false;
  const sent = new Set<number>();
  const p = pair((bytes, toBoard) => {
    const frame = frameOf(bytes);
    if (!toBoard && frame !== undefined && frame.id === 2) {
      const welcome = { ...(decode("welcome", frame.body) as Message<"welcome">), window: WINDOW };
      return [encodeFrame({ ...frame, body: encode("welcome", welcome) }, nodeSeal)];
    }
    if (toBoard && frame?.kind === Kind.request) {
      sent.add(frame.seq);
      if (deaf) return [];
    }
    return [bytes];
  });
  p.step(20);
  deaf = true;
  const names = ["a", "b", "c", "d"];
  const results = names.map((name) => p.echo(name));
  p.step(30);
  expect([...sent]).toEqual([0, 1]);
  deaf = false;
  p.step(400);
  expect(p.runs).toEqual(names);
  expect(results.map(({ outcome }) => outcome?.kind)).toEqual(names.map(() => "answer"));
});

test("a host that closes frees the board at once, without a second of silence", () => {
  const p = pair();
  p.step(20);
  expect(p.board.port.open).toBe(true);
  p.host.close();
  p.step(2);
  expect(p.board.port.open).toBe(false);
});

test("a board that lost its session says so: the host need not wait for the silence", () => {
  const p = pair();
  p.step(20);
  p.restartBoard();
  const result = p.echo("after the restart");
  p.step(60);
  expect(p.lost).toEqual(["reset by the board"]);
  expect(result.outcome).toEqual({ kind: "unknown" });
  p.step(300);
  expect(p.welcomes).toEqual([false, true]);
});

test("describe: the whole table comes in parts that fit a control frame, and parses to the same messages", () => {
  const lines: string[] = [];
  let next = 1;
  let parts = 0;
  do {
    const part = tableLines(next, 242);
    expect(part.data.length).toBeLessThanOrEqual(242);
    expect(part.next === 0 || part.next > next).toBe(true);
    lines.push(...part.data.split("\n").filter((line) => line !== ""));
    next = part.next;
    parts += 1;
  } while (next !== 0);
  expect(lines.length).toBe(allMessages().length);
  expect(parts).toBeGreaterThan(5);
});

/** A board of the future: its table has one message more, and one field more in another. */
function futureBoard(send: (bytes: string) => void): (bytes: string) => void {
  const future = [
    "hello 0x01 control host major:u8 minor:u8 nonce:u16 fingerprint:u16 name:text --",
    "echo 0x0b request:echo_answer host data:rest --",
    "log 0x0a event board level:u8 uptime_ms:u32 text:text where:text --",
    "warp 0xa0 request:warp_answer host factor:u8 --",
    "warp_answer 0xa1 response board speed:u32 --",
    "not a line at all",
  ];
  const say = (kind: number, id: number, tag: number, body: string, seq = 0, ack = 0): void =>
    send(encodeFrame({ kind, seq, ack, credit: 4, id, tag, body }, nodeSeal));
  let seq = 0;
  let ack = 0;
  return (bytes) => {
    const frame = frameOf(bytes);
    if (frame === undefined) return;
    if (frame.id === 1) {
      const welcome = {
        major: 1,
        minor: 9,
        nonce: 42,
        epoch: 5,
        window: 4,
        body_limit: 243,
        fingerprint: 4711,
        reset_cause: 0,
        uptime_ms: 1,
        kind: "future",
        serial: "F",
        firmware: "9",
        capabilities: "warp:1",
      };
      say(Kind.control, 2, frame.tag, encode("welcome", welcome));
      return;
    }
    if (frame.kind !== Kind.request) return;
    ack = (frame.seq + 1) & 255;
    if (frame.id === 0x10) {
      // Two parts: the second begins at 0x0b.
      const first = frame.body.charCodeAt(0) < 0x0b;
      const part = first ? future.slice(0, 2) : future.slice(2);
      const body = encode("describe_answer", { next: first ? 0x0b : 0, data: `${part.join("\n")}\n` });
      say(Kind.response, 0x11, frame.tag, body, seq++, ack);
      if (first) return;
      // level 1, uptime 5, "hi", and the field that this host does not know.
      say(Kind.event, 0x0a, 0, "\x01\x05\x00\x00\x00\x02hi\x06bridge", seq++, ack);
    } else if (frame.id === 0xa0) {
      say(
        Kind.response,
        0xa1,
        frame.tag,
        `${String.fromCharCode(frame.body.charCodeAt(0) * 10)}\x00\x00\x00`,
        seq++,
        ack,
      );
    }
  };
}

test("an unknown newer board is understood: its own description names messages and fields that this host never had", () => {
  const messages: { name: string; body: Record<string, unknown> }[] = [];
  let described: Descriptor[] = [];
  let now = 0;
  const toHost: string[] = [];
  const board = futureBoard((bytes) => toHost.push(bytes));
  const run = (until: number): void => {
    for (; now < until; now += 1) {
      host.tick(now);
      for (const bytes of toHost.splice(0)) host.rx(bytes, now);
    }
  };
  const host = createHostSession({ write: board, room: () => 9999 }, nodeSeal, "test", 42, {
    onWelcome: () => undefined,
    onMessage: (name, body) => messages.push({ name, body }),
    onLost: () => undefined,
    onPong: () => undefined,
    onDescribed: (table) => {
      described = table;
    },
  });
  host.connect(0);
  run(50);
  expect(described.map((message) => message.name)).toContain("warp");
  expect(host.port.counters.malformed).toBe(1);
  expect(messages).toEqual([{ name: "log", body: { level: 1, uptime_ms: 5, text: "hi", where: "bridge" } }]);
  let outcome: unknown;
  host.requestNamed("warp", { factor: 7 }, 1000, now, (ended) => {
    outcome = ended;
  });
  run(100);
  expect(outcome).toEqual({ kind: "answer", name: "warp_answer", body: { speed: 70 } });
  let unknown: RequestOutcome | unknown;
  host.requestNamed("no_such_message", {}, 1000, now, (ended) => {
    unknown = ended;
  });
  expect(unknown).toEqual({ kind: "unknown" });
});
