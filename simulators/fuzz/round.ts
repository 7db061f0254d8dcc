import { isDeepStrictEqual } from "node:util";
import {
  createHostSession,
  decodeFrame,
  deframer,
  encodedLimitStream,
  type Frame,
  type HostSession,
  nodeSeal,
} from "@mltb/protocol";
import { createSimulatedRack, type SimulatedRack } from "../src/index.ts";
import { type Random, random } from "../src/world/random.ts";
import { type Damage, damaged } from "./damage.ts";
import { validFrame } from "./frames.ts";

/** Sums over rounds; they are the state that a run is resumed from. */
export interface Tally {
  bytes: number;
  rounds: number;
  /** Damaged frames by kind of damage, and those that the decoder took for good ones with another content. */
  frames: Record<Damage, number>;
  accepted: Record<Damage, number>;
  /** Rounds after which an output of the board stood elsewhere than before. */
  switched: number;
  /** Rounds after which the board or the host did not answer any more. */
  deaf: number;
  /** Rounds in which good and damaged frames in pieces of any length gave other frames than the blocks do one by one. */
  misframed: number;
  /** Blocks that the board itself has rejected, as its counters say. */
  board_rejected: number;
  lua_errors: number;
  heap_peak_bytes: number;
}

export function emptyTally(): Tally {
  return {
    bytes: 0,
    rounds: 0,
    frames: { guarantee: 0, wire: 0, heavy: 0 },
    accepted: { guarantee: 0, wire: 0, heavy: 0 },
    switched: 0,
    deaf: 0,
    misframed: 0,
    board_rejected: 0,
    lua_errors: 0,
    heap_peak_bytes: 0,
  };
}

const kinds: Damage[] = ["guarantee", "wire", "heavy"];
/** Damaged bytes of a round; the board gets them in pieces of a millisecond at its line rate. */
const ROUND_BYTES = 20_000;
const PIECE_BYTES = 1000;

function rejected(counters: Record<string, number>): number {
  return (counters["crc"] ?? 0) + (counters["malformed"] ?? 0) + (counters["oversize"] ?? 0);
}

/** What a deframer makes of the stream in pieces of seeded lengths, as a port hands them over. */
function framesOf(stream: string, source: Random): Frame[] {
  const frames: Frame[] = [];
  const reader = deframer(encodedLimitStream, nodeSeal, (frame) => frames.push(frame));
  for (let at = 0; at < stream.length; ) {
    const size = 1 + Math.floor(source.uniform() * PIECE_BYTES);
    reader.rx(stream.slice(at, at + size));
    at += size;
  }
  return frames;
}

/** A board with the real bundle and a host, both of which are fed damaged frames. */
export interface Fuzzer {
  round(tally: Tally, number: number): Promise<void>;
  close(): Promise<void>;
}

export async function createFuzzer(bundle: string, seed: number): Promise<Fuzzer> {
  const rack: SimulatedRack = await createSimulatedRack({
    rack: "fuzz",
    serial: "FUZZ",
    bundle,
    seed,
    clock: "virtual",
    targets: [],
  });
  let now = 0;
  let host: HostSession | undefined;
  let seen = 0;
  await rack.transport.open({
    onBytes: (chunk) => host?.rx(Buffer.from(chunk).toString("latin1"), now),
    onClose: () => undefined,
  });

  /** A new host opens a session; the one before has fallen silent. */
  async function open(number: number): Promise<HostSession> {
    const session = createHostSession(
      { write: (bytes) => rack.transport.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
      nodeSeal,
      "fuzz",
      number & 0xffff,
      { onWelcome: () => undefined, onMessage: () => undefined, onLost: () => undefined, onPong: () => undefined },
    );
    host = session;
    session.connect(now);
    for (let ms = 0; ms < 4000 && !session.port.open; ms += 1) await step(session);
    return session;
  }

  async function step(session: HostSession): Promise<void> {
    now += 1;
    rack.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    session.tick(now);
  }

  const outputs = (): string => {
    const { board, chain } = rack.electronics;
    return Array.from({ length: board.chain_bits }, (_, bit) => chain.output(bit)).join("");
  };

  async function counters(session: HostSession): Promise<Record<string, number> | undefined> {
    let result: Record<string, number> | undefined;
    let ended = false;
    session.request("counters_get", {}, 3000, now, (outcome) => {
      ended = true;
      if (outcome.kind === "answer") result = outcome.body as unknown as Record<string, number>;
    });
    for (let ms = 0; ms < 4000 && !ended; ms += 1) await step(session);
    return result;
  }

  return {
    async round(tally, number) {
      const source = random(seed * 1_000_003 + number);
      const session = await open(number);
      const before = outputs();
      const kind = kinds[number % kinds.length] as Damage;
      const originals = new Set<string>();
      const expected: Frame[] = [];
      let stream = "";
      /** Each damaged frame behind its good one. */
      let mixed = "";
      while (stream.length < ROUND_BYTES) {
        const block = validFrame(source, session.port.delivery.nextSeq);
        const bad = damaged(source, block, kind);
        // Damage that undoes itself (a burst over equal bits cannot) or is none is no damage.
        if (bad === block) continue;
        originals.add(block);
        tally.frames[kind] += 1;
        mixed += `${block}\0${bad}\0`;
        expected.push(decodeFrame(block, nodeSeal) as Frame);
        for (const part of bad.split("\0")) {
          const frame = decodeFrame(part, nodeSeal);
          if (typeof frame === "string") continue;
          expected.push(frame);
          if (!originals.has(part)) tally.accepted[kind] += 1;
        }
        stream += `${bad}\0`;
      }
      if (!isDeepStrictEqual(framesOf(mixed, source), expected)) tally.misframed += 1;
      for (let at = 0; at < stream.length; at += PIECE_BYTES) {
        const piece = stream.slice(at, at + PIECE_BYTES);
        session.rx(piece, now);
        rack.transport.write(Buffer.from(piece, "latin1"));
        rack.advance(1);
        now += 1;
      }
      rack.transport.write(Buffer.from([0]));
      session.rx("\0", now);
      tally.bytes += stream.length;
      tally.rounds += 1;
      for (let ms = 0; ms < 30; ms += 1) await step(session);
      if (outputs() !== before) tally.switched += 1;
      const after = await counters(await open(number + 1));
      if (after === undefined) tally.deaf += 1;
      else {
        const sum = rejected(after);
        tally.board_rejected += sum - seen;
        seen = sum;
        tally.lua_errors = Math.max(tally.lua_errors, after["lua_errors"] ?? 0);
      }
      tally.heap_peak_bytes = Math.max(tally.heap_peak_bytes, rack.board.heap().peak_bytes);
    },
    close: () => rack.stop(),
  };
}
