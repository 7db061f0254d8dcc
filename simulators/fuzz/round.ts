import { isDeepStrictEqual } from "node:util";
import {
  decodeFrame,
  deframer,
  encodedLimitControl,
  encodedLimitStream,
  type Frame,
  type HostSession,
  nodeSeal,
} from "@mltb/protocol";
import { type Random, random } from "../src/world/random.ts";
import { createCJudge } from "./c-judge.ts";
import { type Damage, damaged } from "./damage.ts";
import { type CEnd, createFuzzedEnd, type FuzzedEnd } from "./end.ts";
import { foreignBlock, validFrame } from "./frames.ts";
import { hostHeap_bytes } from "./host-heap.ts";
import type { Tally } from "./tally.ts";

const kinds: Damage[] = ["guarantee", "wire", "heavy"];
/** Damaged bytes of a round; the board gets them in pieces of a millisecond at its line rate. */
const ROUND_BYTES = 20_000;
const PIECE_BYTES = 1000;
/** Bodies of a round that go through C and TypeScript. */
const BODIES = 40;
/** Frames with a right sum but against a rule of the header, beside the others. */
const FOREIGN_SHARE = 0.2;
/** Heaps are looked at after so many rounds, and first when everything has been through once. */
const HEAP_ROUNDS = 24;
/** What is accepted by chance may cost a session a request: it asks again. */
const HOST_TRIES = 3;

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

/** The good frames among what stands between delimiters, each with its block. */
function goodOf(stream: string, limit: number): { block: string; frame: Frame }[] {
  return stream.split("\0").flatMap((block) => {
    const frame = block.length > limit ? "oversize" : decodeFrame(block, nodeSeal);
    return typeof frame === "string" ? [] : [{ block, frame }];
  });
}

/** Damaged frames of one kind, and the same with each one's good frame before it and frames of another make between. */
function streamOf(
  source: Random,
  kind: Damage,
  nextSeq: number,
): { bad: string; mixed: string; originals: Set<string>; frames: number } {
  const originals = new Set<string>();
  let bad = "";
  let mixed = "";
  let frames = 0;
  while (bad.length < ROUND_BYTES) {
    const block = validFrame(source, nextSeq);
    const spoilt = damaged(source, block, kind);
    // Damage that undoes itself (a burst over equal bits cannot) or is none is no damage.
    if (spoilt === `${block}\0`) continue;
    originals.add(block);
    frames += 1;
    bad += spoilt;
    mixed += `${block}\0${spoilt}`;
    if (source.uniform() < FOREIGN_SHARE) mixed += `${foreignBlock(source)}\0`;
  }
  return { bad: `${bad}\0`, mixed: `${mixed}\0`, originals, frames };
}

/** Boards with the real bundle and a host, all of which are fed damaged frames. */
export interface Fuzzer {
  round(tally: Tally, number: number): Promise<void>;
  close(): Promise<void>;
}

export interface FuzzerOptions {
  /** The bundle `monitoring`. */
  bundle: string;
  seed: number;
  /**
   * With it every second round goes to a board whose receiving end and bodies are the C of the images, and every round's
   * stream goes through that C beside TypeScript; `codecBundle` is the bundle `codec`.
   */
  c?: CEnd & { codecBundle: string };
}

/** A board under fuzz, with its sums so far. */
interface Fed {
  end: FuzzedEnd;
  inC: boolean;
  /** Moves of its outputs before this round. */
  moves: number;
  rejected: number;
  /** Good frames that the damaged streams held. */
  good: number;
  /** Least heap in the first part of the rounds. */
  firstHeap_bytes?: number;
}

/** Whether the host's own session, which heard the damage too, still gets an answer. */
async function hostServes({ end }: Fed, session: HostSession): Promise<boolean> {
  for (let tries = 0; tries < HOST_TRIES; tries += 1) {
    if ((await end.counters(session)) !== undefined) return true;
  }
  return false;
}

/** Looks at the board's own counters: what it has rejected and, between two bounds, how many frames it took for good. */
async function audit(fed: Fed, session: HostSession, tally: Tally): Promise<void> {
  const answer = await fed.end.counters(session);
  if (answer === undefined) {
    tally.deaf += 1;
    return;
  }
  const { seen, sent } = answer;
  const sum = rejected(seen);
  tally.board_rejected += sum - fed.rejected;
  fed.rejected = sum;
  const good = (seen["good"] ?? 0) - fed.good;
  if (good < sent.least || good > sent.most) tally.board_miscounted += 1;
  tally.lua_errors = Math.max(tally.lua_errors, seen["lua_errors"] ?? 0);
}

export async function createFuzzer({ bundle, seed, c }: FuzzerOptions): Promise<Fuzzer> {
  const fed = async (inC: boolean): Promise<Fed> => ({
    end: await createFuzzedEnd(bundle, seed, inC ? c : undefined),
    inC,
    moves: 0,
    rejected: 0,
    good: 0,
  });
  const boards = [await fed(false), ...(c === undefined ? [] : [await fed(true)])];
  const judge = c === undefined ? undefined : await createCJudge(c.codecBundle, c);
  let rounds = 0;
  let firstHeap_bytes: number | undefined;

  function watchHeap(tally: Tally): void {
    rounds += 1;
    if (rounds % HEAP_ROUNDS !== 0) return;
    const heap = hostHeap_bytes();
    firstHeap_bytes ??= heap;
    tally.host_growth_bytes = Math.max(tally.host_growth_bytes, heap - firstHeap_bytes);
    for (const fed of boards) {
      const least = fed.end.heap_least_bytes();
      fed.firstHeap_bytes ??= least;
      tally.board_growth_bytes = Math.max(tally.board_growth_bytes, least - fed.firstHeap_bytes);
    }
  }

  return {
    async round(tally, number) {
      const source = random(seed * 1_000_003 + number);
      const board = boards[number % boards.length] as Fed;
      const { end } = board;
      const session = await end.open(number);
      const kind = kinds[Math.floor(number / boards.length) % kinds.length] as Damage;
      const { bad, mixed, originals, frames } = streamOf(source, kind, session.port.delivery.nextSeq);
      tally.frames[kind] += frames;
      tally.accepted[kind] += goodOf(bad, encodedLimitStream).filter(({ block }) => !originals.has(block)).length;
      const expected = goodOf(mixed, encodedLimitStream).map(({ frame }) => frame);
      if (!isDeepStrictEqual(framesOf(mixed, source), expected)) tally.misframed += 1;
      if (judge !== undefined) {
        if (!judge.deframes(mixed, source)) tally.misframed_in_c += 1;
        for (let n = 0; n < BODIES; n += 1) if (!judge.unpacks(source)) tally.bodies_apart += 1;
        tally.bodies += BODIES;
      }
      for (let at = 0; at < bad.length; at += PIECE_BYTES) end.feed(session, bad.slice(at, at + PIECE_BYTES));
      board.good += goodOf(bad, encodedLimitControl).length;
      tally.bytes += bad.length;
      tally.rounds += 1;
      if (board.inC) tally.rounds_in_c += 1;
      for (let ms = 0; ms < 30; ms += 1) await end.step(session);
      if (!(await hostServes(board, session))) tally.host_hung += 1;
      await audit(board, await end.open(number + 1), tally);
      // Between rounds too: what a frame has begun may switch later.
      if (end.moves() !== board.moves) tally.switched += 1;
      board.moves = end.moves();
      tally.heap_peak_bytes = Math.max(tally.heap_peak_bytes, end.heap_peak_bytes());
      watchHeap(tally);
    },
    async close() {
      judge?.close();
      for (const { end } of boards) await end.close();
    },
  };
}
