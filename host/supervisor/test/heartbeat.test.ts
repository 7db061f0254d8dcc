import { type BoardSession, createBoardSession, nodeSeal, Stream, TABLE_FINGERPRINT } from "@mltb/protocol";
import { type Random, random } from "@mltb/simulators";
import { afterEach, expect, test, vi } from "vitest";
import { DeviceLink } from "../src/link/device-link.ts";
import { type VirtualBay, virtualBay } from "./virtual.ts";

let bay: VirtualBay | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
  vi.useRealTimers();
});

test("board-hangs: lost within a second while another streams at its full rate, whose answers take no longer", async () => {
  bay = await virtualBay(3);
  const [hung, streaming, other] = bay.boards as [
    (typeof bay.boards)[0],
    (typeof bay.boards)[0],
    (typeof bay.boards)[0],
  ];
  const { hub, run } = bay;
  const states: string[] = [];
  hub.on("lifecycle", (name, state) => states.push(`${name} ${state}`));
  await bay.until(() => bay?.boards.every(({ board }) => board.link.lifecycle === "ready") === true, 1000);
  let rows = 0;
  hub.on("samples", (block) => {
    if (block.target === "r2-t1") rows += block.current_a.length;
  });
  const standing = new Set<typeof hung>();
  /** Answer times of the third board in virtual milliseconds, while the second one streams 20 kHz x 8 channels. */
  const measure = async (count: number): Promise<number[]> => {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const body = { stream: Stream.samples, ttl_ms: 2000, period_us: 50 };
      if (n % 10 === 0) void streaming.board.link.request("stream_open", body, 1000);
      let done = false;
      const asked = bay?.now() ?? 0;
      void other.board.link.request("channel_get", { channel: 1 }, 1000).then(({ kind }) => {
        done = kind === "answer";
      });
      while (!done) await run(1, standing);
      times.push((bay?.now() ?? 0) - asked);
      await run(n % 7, standing);
    }
    return times.sort((a, b) => a - b);
  };
  const p99 = (sorted: number[]): number => sorted[Math.floor(sorted.length * 0.99)] as number;
  const before = await measure(120);
  const hung_ms = bay.now();
  let lost_ms: number | undefined;
  hub.on("lifecycle", (name, state) => {
    if (name === "r1-board" && state === "lost") lost_ms ??= (bay?.now() ?? 0) - hung_ms;
  });
  standing.add(hung);
  rows = 0;
  const with_hung = await measure(240);
  expect(lost_ms).toBeLessThanOrEqual(1000);
  expect(p99(with_hung) - p99(before)).toBeLessThanOrEqual(1);
  // 20 samples a millisecond, less what the supervisor's own renewal at the default rate costs.
  expect(rows / (bay.now() - hung_ms)).toBeGreaterThan(16);
  expect(states.filter((state) => /lost|degraded/.test(state))).toEqual(["r1-board lost"]);
  // Commands to it are refused at once and wait for nobody.
  const refused = await hung.board.link.request("channel_get", { channel: 1 }, 1000);
  expect(refused.kind).toBe("unknown");
  standing.clear();
  await bay.until(() => hung.board.link.lifecycle === "ready", 2000);
}, 300_000);

/** A board's end of the wire that answers pings and sends blocks of samples, with the delays of a busy controller. */
function busyBoard(source: Random, toHost: (bytes: string) => void): { rx(bytes: string): void; sent(): number } {
  let sent = 0;
  /** Until then the controller writes its flash and does nothing else. */
  let busy_ms = 0;
  const waiting: string[] = [];
  const now = (): number => Math.floor(performance.now());
  const session: BoardSession = createBoardSession({ write: toHost, room: () => 65_536 }, nodeSeal, {
    welcome: () => ({
      ...{ major: 1, minor: 0, nonce: 0, epoch: 5, window: 4, body_limit: 243, fingerprint: TABLE_FINGERPRINT },
      ...{
        reset_cause: 0,
        uptime_ms: now(),
        kind: "monitoring",
        serial: "B",
        firmware: "0",
        capabilities: "samples:1",
      },
    }),
    onRequest: (_name, body, tag) => session.answer(tag, "echo_answer", { data: String(body["data"] ?? "") }),
    onHost: () => undefined,
    ticks_us: () => now() * 1000,
  });
  const serve = (): void => {
    if (now() >= busy_ms) {
      for (const bytes of waiting.splice(0)) session.rx(bytes, now());
      const block = { stream: 1, channels: 8, rows: 20, period_us: 1000, tick_us: 0, first: sent, lost: 0 };
      if (session.port.open && session.stream("sample_block", { ...block, data: "x".repeat(320) })) sent += 20;
      session.tick(now(), 20);
      if (source.uniform() < 0.0005) busy_ms = now() + 450 * source.uniform();
    }
    setTimeout(serve, 20);
  };
  serve();
  return { rx: (bytes) => waiting.push(bytes), sent: () => sent };
}

const HOURS = process.env["MLTB_LONG"] === "1" ? 24 : 0.5;

test(`no-false-alarm in ${HOURS} h of virtual time: jitter on the wire, a board that writes its flash, a host held up`, async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const source = random(3);
  let held_ms = 0;
  const clock = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => clock() + held_ms);
  let handlers: { onBytes(chunk: Uint8Array): void } | undefined;
  const later = (deliver: () => void): void => void setTimeout(deliver, source.uniform() * 20);
  const board = busyBoard(source, (bytes) => later(() => handlers?.onBytes(Buffer.from(bytes, "latin1"))));
  const states: string[] = [];
  let blocks = 0;
  const link = new DeviceLink(
    {
      name: "wire",
      async open(given) {
        handlers = given;
      },
      write: (bytes) => later(() => board.rx(Buffer.from(bytes).toString("latin1"))),
      room: () => 65_536,
      async close() {
        handlers = undefined;
      },
    },
    {
      onLifecycle: (state) => states.push(state),
      onWelcome: () => undefined,
      onMessage: (name) => {
        if (name === "sample_block") blocks += 1;
      },
    },
    9,
  );
  link.start();
  let stalls = 0;
  for (let minute = 0; minute < HOURS * 60; minute += 1) {
    await vi.advanceTimersByTimeAsync(60_000 * source.uniform());
    // This process is held up: its clock goes on, its timers do not.
    held_ms += 450 * source.uniform();
    stalls += 1;
  }
  expect(states).toEqual(["opening", "handshaking", "ready"]);
  expect(link.session.port.open).toBe(true);
  expect(blocks * 20).toBeGreaterThan(board.sent() * 0.99);
  expect(stalls).toBeGreaterThanOrEqual(30);
  await link.stop();
}, 3_600_000);
