import { isDeepStrictEqual } from "node:util";
import {
  allMessages,
  type Body,
  decodeBody,
  decodeFrame,
  deframer,
  encodeBody,
  encodedLimitControl,
  encodeFrame,
  type Frame,
  Kind,
  nodeSeal,
} from "@mltb/protocol";
import { createLuaBoard } from "../src/index.ts";
import { cCodec } from "../src/runtime/c-codec.ts";
import type { Random } from "../src/world/random.ts";
import type { CEnd } from "./end.ts";
import { randomBody } from "./frames.ts";

const pick = (source: Random, below: number): number => Math.floor(source.uniform() * below);
/** Longest piece that a deframer gets at once. */
const PIECE_BYTES = 1000;

/** Compares what C and TypeScript make of the same bytes. */
export interface CJudge {
  /** Whether a stream in pieces of seeded lengths gives the same frames and the same counters at both receiving ends. */
  deframes(stream: string, source: Random): boolean;
  /** Whether a random message whose body was damaged, or was not, gives the same fields, or is refused, at both. */
  unpacks(source: Random): boolean;
  close(): void;
}

/** @param codecBundle the bundle `codec`, whose bodies are then packed and unpacked by C */
export async function createCJudge(codecBundle: string, c: CEnd): Promise<CJudge> {
  const codec = cCodec(c.codec);
  let sent = "";
  let fields: Body = {};
  const board = await createLuaBoard({
    bundle: codecBundle,
    hal: {
      link_write(bytes: string) {
        sent = bytes;
      },
      field(name: string, value: number | string) {
        fields[name] = value;
      },
    },
    lua: { wasm: c.lua, numbers: "i64", bodiesInC: true },
  });
  const messages = allMessages();
  const kinds: Record<string, number> = Kind;
  const inC = codec.deframer();
  let before = inC.counters();

  return {
    deframes(stream, source) {
      const frames: Frame[] = [];
      const reader = deframer(encodedLimitControl, nodeSeal, (frame) => frames.push(frame));
      const plain: string[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + pick(source, PIECE_BYTES);
        reader.rx(stream.slice(at, at + size));
        plain.push(...inC.rx(stream.slice(at, at + size)));
        at += size;
      }
      const after = inC.counters();
      const counted = Object.fromEntries(
        Object.entries(after).map(([name, sum]) => [name, sum - (before[name as keyof typeof before] ?? 0)]),
      );
      before = after;
      const bytes = frames.map((frame) => encodeFrame(frame, nodeSeal));
      return isDeepStrictEqual(counted, { ...reader.counters }) && isDeepStrictEqual(plain.map(reseal), bytes);
    },
    unpacks(source) {
      const message = messages[pick(source, messages.length)] as (typeof messages)[0];
      const body = spoiled(source, encodeBody(message, randomBody(source, message, 60)));
      const kind = kinds[message.kind] as number;
      const wire = encodeFrame({ kind, seq: 1, ack: 2, credit: 3, id: message.id, tag: 4, body }, nodeSeal);
      fields = {};
      sent = "";
      board.rx(wire.slice(0, -1), 0);
      // Several long texts may be more than a control frame holds.
      const frame = decodeFrame(wire.slice(0, -1), nodeSeal);
      if (typeof frame === "string") return sent === frame;
      const expected = decodeBody(message, body);
      if (expected === undefined) return sent === "body";
      const again = { kind, seq: 1, ack: 2, credit: 3, id: message.id, tag: 4, body: encodeBody(message, expected) };
      return isDeepStrictEqual(fields, expected) && sent === encodeFrame(again, nodeSeal);
    },
    close: () => board.close(),
  };

  /** A frame that C took, as the bytes of a wire; a foreign major of a control message is the frame's own. */
  function reseal(plain: string): string {
    const first = (plain.charCodeAt(0) & 15) | 0x10;
    return nodeSeal.seal(String.fromCharCode(first) + plain.slice(1, 8), plain.slice(8));
  }
}

/** A body cut short, lengthened, with other bytes, of random bytes, or as it was. */
function spoiled(source: Random, body: string): string {
  const way = pick(source, 5);
  const noise = (length: number): string =>
    String.fromCharCode(...Array.from({ length }, () => (source.uniform() < 0.3 ? 255 : pick(source, 256))));
  if (way === 0) return body.slice(0, pick(source, body.length + 1));
  if (way === 1) return body + noise(1 + pick(source, 20));
  if (way === 2) return noise(pick(source, 200));
  if (way === 3 && body.length > 0) {
    const at = pick(source, body.length);
    return body.slice(0, at) + noise(1) + body.slice(at + 1);
  }
  return body;
}
