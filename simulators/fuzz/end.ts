import { createHostSession, type HostSession, messageNamed, nodeSeal } from "@mltb/protocol";
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
  /** Levels of all outputs. */
  outputs(): string;
  heap_peak_bytes(): number;
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
  /** Frames that hosts have sent, and how many those were when counters were asked for last. */
  let sent = 0;
  let asked = 0;
  const COUNTERS_GET = messageNamed("counters_get")?.id;
  await rack.transport.open({
    onBytes: (chunk) => host?.rx(Buffer.from(chunk).toString("latin1"), now),
    onClose: () => undefined,
  });

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
    await new Promise((resolve) => setImmediate(resolve));
    session.tick(now);
  }

  return {
    step,
    async open(nonce) {
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
    },
    feed(session, bytes) {
      session.rx(bytes, now);
      rack.transport.write(Buffer.from(bytes, "latin1"));
      rack.advance(1);
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
    outputs() {
      const { board, chain } = rack.electronics;
      return Array.from({ length: board.chain_bits }, (_, bit) => chain.output(bit)).join("");
    },
    heap_peak_bytes: () => rack.board.heap().peak_bytes,
    close: () => rack.stop(),
  };
}
