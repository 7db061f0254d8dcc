import { bodyCheck, createHostSession, type HostSession, messageNamed, nodeSeal, PowerAction } from "@mltb/protocol";
import { createSimulatedRack } from "../src/index.ts";
import { cCodec } from "../src/runtime/c-codec.ts";

/** A board's receiving end in C, built for WebAssembly: `buildCodecWasm` and `buildLuaWasm` of the firmware. */
export interface CEnd {
  codec: Uint8Array;
  lua: Uint8Array;
}

/** A board with the real bundle, and hosts that open sessions with it one after the other, in virtual time. */
export interface FuzzedEnd {
  /** Opens a session of a new host; the one before has fallen silent. */
  open(nonce: number): Promise<HostSession>;
  /** Moves time by a millisecond. */
  step(session: HostSession): Promise<void>;
  /** Bytes past the session, a millisecond later on both ends. */
  feed(session: HostSession, bytes: string): void;
  /**
   * The board's own counters, asked over the wire, and the frames that its host had sent it by then (as many of them at
   * least, and at most). Undefined when it does not answer.
   */
  counters(
    session: HostSession,
  ): Promise<{ seen: Record<string, number>; sent: { least: number; most: number } } | undefined>;
  /** Milliseconds in which an output stood elsewhere than in the one before, since half of the channels were switched on. */
  moves(): number;
  heap_peak_bytes(): number;
  /** Least heap at any millisecond since the last call: what lives, when collections have ended between the two. */
  heap_least_bytes(): number;
  close(): Promise<void>;
}

export async function createFuzzedEnd(bundle: string, seed: number, c?: CEnd): Promise<FuzzedEnd> {
  const rack = await createSimulatedRack({
    rack: "fuzz",
    serial: "FUZZ",
    bundle,
    seed,
    clock: "virtual",
    targets: [],
    ...(c === undefined
      ? {}
      : { lua: { wasm: c.lua, numbers: "i64", bodiesInC: true }, deframer: cCodec(c.codec).deframer() }),
  });
  let now = 0;
  let host: HostSession | undefined;
  let levels = "";
  let moves = 0;
  let least_bytes = Number.POSITIVE_INFINITY;
  /** Frames that hosts have sent, and how many those were when counters were asked for last. */
  let sent = 0;
  let asked = 0;
  const COUNTERS_GET = messageNamed("counters_get")?.id;
  await rack.transport.open({
    onBytes: (chunk) => host?.rx(Buffer.from(chunk).toString("latin1"), now),
    onClose: () => undefined,
  });

  function outputs(): string {
    const { board, chain } = rack.electronics;
    return Array.from({ length: board.chain_bits }, (_, bit) => chain.output(bit)).join("");
  }

  function watch(): void {
    const seen = outputs();
    if (seen !== levels) moves += 1;
    levels = seen;
    least_bytes = Math.min(least_bytes, rack.board.heap().used_bytes);
  }

  function write(bytes: string): void {
    for (const block of bytes.split("\0").slice(0, -1)) {
      sent += 1;
      const plain = nodeSeal.unseal(block);
      if (typeof plain === "string" && plain.charCodeAt(4) === COUNTERS_GET) asked = sent;
    }
    rack.transport.write(Buffer.from(bytes, "latin1"));
  }

  async function step(session: HostSession): Promise<void> {
    now += 1;
    rack.advance(1);
    watch();
    await new Promise((resolve) => setImmediate(resolve));
    session.tick(now);
  }

  async function open(nonce: number): Promise<HostSession> {
    const session = createHostSession({ write, room: () => 65_536 }, nodeSeal, "fuzz", nonce & 0xffff, {
      onWelcome: () => undefined,
      onMessage: () => undefined,
      onLost: () => undefined,
      onPong: () => undefined,
    });
    host = session;
    session.connect(now);
    for (let ms = 0; ms < 4000 && !session.port.open; ms += 1) await step(session);
    return session;
  }

  // A channel that is off shows an `on` that gets through, one that is on an `off`, a cycle, a reset.
  const first = await open(0);
  for (let channel = 1; channel <= 8; channel += 2) {
    const { on: action } = PowerAction;
    let answered = false;
    first.request(
      "power_set",
      { channel, action, off_ms: 0, check: bodyCheck(channel, action, 0) },
      3000,
      now,
      (outcome) => {
        answered = outcome.kind === "answer";
      },
    );
    for (let ms = 0; ms < 4000 && !answered; ms += 1) await step(first);
    if (!answered) throw new Error(`channel ${channel} was not switched on`);
  }
  moves = 0;

  return {
    step,
    open,
    feed(session, bytes) {
      session.rx(bytes, now);
      rack.transport.write(Buffer.from(bytes, "latin1"));
      rack.advance(1);
      watch();
      now += 1;
    },
    async counters(session) {
      let seen: Record<string, number> | undefined;
      let ended = false;
      session.request("counters_get", {}, 3000, now, (outcome) => {
        ended = true;
        if (outcome.kind === "answer") seen = outcome.body as unknown as Record<string, number>;
      });
      for (let ms = 0; ms < 4000 && !ended; ms += 1) await step(session);
      return seen === undefined ? undefined : { seen, sent: { least: asked, most: sent } };
    },
    moves: () => moves,
    heap_peak_bytes: () => rack.board.heap().peak_bytes,
    heap_least_bytes() {
      const least = least_bytes;
      least_bytes = Number.POSITIVE_INFINITY;
      return least;
    },
    close: () => rack.stop(),
  };
}
