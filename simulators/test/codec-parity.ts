import { readFileSync } from "node:fs";
import { buildBundle } from "@mltb/firmware";
import {
  allMessages,
  type Body,
  CONTROL_BODY_BYTES,
  type Descriptor,
  decodeBody,
  decodeFrame,
  encodeBody,
  encodeFrame,
  type Frame,
  Kind,
  nodeSeal,
  STREAM_BODY_BYTES,
} from "@mltb/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomBody } from "../fuzz/frames.ts";
import { createLuaBoard, type LuaBoard, type LuaBoardOptions, type Random, random } from "../src/index.ts";

export interface Vector {
  message: string;
  body: Record<string, number | string>;
  wire: string;
}

export const vectors = JSON.parse(
  readFileSync(new URL("../../protocol/vectors/frames.json", import.meta.url), "utf8"),
) as Vector[];
export const runs = process.env["MLTB_LONG"] === "1" ? 20_000 : 500;

function bytesOf(body: Record<string, number | string>): Body {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      typeof value === "number" ? value : Buffer.from(value, "hex").toString("latin1"),
    ]),
  );
}

/** Numbers of 32 unsigned bits are signed in a Lua whose integers have 32: the same bits. */
function unsigned(id: number, fields: Body): Body {
  const message = allMessages().find((entry) => entry.id === id);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const kind = message?.kinds[message.names.indexOf(name)];
      return [name, kind === "u32" && typeof value === "number" ? value >>> 0 : value];
    }),
  );
}

/** Longest body of a frame of this kind. */
function bodyLimit(message: Descriptor): number {
  return message.kind === "stream" ? STREAM_BODY_BYTES : CONTROL_BODY_BYTES;
}

/** A seeded message of any kind with random fields: short, long, or filled up to what a frame of its kind may hold. */
export function randomFrame(source: Random): { message: Descriptor; frame: Frame; fields: Body } {
  // Few messages are streams, the only long ones: they get a share of their own.
  const messages = allMessages().filter(source.uniform() < 0.1 ? ({ kind }) => kind === "stream" : () => true);
  const message = messages[Math.floor(source.uniform() * messages.length)] as Descriptor;
  const limit = bodyLimit(message);
  const size = Math.floor(source.uniform() * 3);
  const fields = randomBody(source, message, [0, 20, limit][size] as number);
  for (const [i, name] of message.names.entries()) {
    const over = encodeBody(message, fields).length - limit;
    const value = fields[name];
    if (typeof value !== "string") continue;
    // Several texts may be more than a frame holds; what takes the rest of it can be made to fill it.
    if (over > 0) fields[name] = value.slice(0, Math.max(0, value.length - over));
    else if (over < 0 && size === 2 && message.kinds[i] === "rest")
      fields[name] = value + value.slice(over).padEnd(-over, "\0");
  }
  const byte = (): number => Math.floor(source.uniform() * 256);
  const kind = (Kind as Record<string, number>)[message.kind] as number;
  const body = encodeBody(message, fields);
  const frame = { kind, seq: byte(), ack: byte(), credit: byte(), id: message.id, tag: byte(), body };
  return { message, frame, fields };
}

/** What random messages must at least have had in them, of `count`: every message, and frames of two or more COBS runs. */
export function expectVariety(count: number, seen: { names: Set<string>; long: number; longest: number }): void {
  expect(seen.names.size).toBeGreaterThan(0.95 * allMessages().length);
  expect(seen.long).toBeGreaterThanOrEqual(count / 100);
  expect(seen.longest).toBe(STREAM_BODY_BYTES);
}

/** The codec in Node and in a Lua must agree on every byte and field. Without `lua` it is the one that wasmoon carries. */
export function parityTests(title: string, lua?: () => Promise<LuaBoardOptions["lua"]>): void {
  let board: LuaBoard;
  let sent = "";
  let fields: Body = {};
  beforeAll(async () => {
    const { source } = await buildBundle("codec");
    const hal = {
      link_write(bytes: string) {
        sent = bytes;
      },
      field(name: string, value: number | string) {
        fields[name] = value;
      },
    };
    board = await createLuaBoard({ bundle: source, hal, lua: await lua?.() });
  });
  afterAll(() => board.close());

  /** What the Lua codec makes of the bytes between two delimiters: fields, and the frame encoded anew. */
  function inLua(block: string): { fields: Body; wire: string } {
    fields = {};
    board.rx(block, 0);
    const frame = decodeFrame(block, nodeSeal);
    return { fields: typeof frame === "string" ? fields : unsigned(frame.id, fields), wire: sent };
  }

  test(`golden frames: Node and ${title} read the same fields and write the same bytes`, () => {
    expect(new Set(vectors.map((vector) => vector.message)).size).toBe(allMessages().length);
    for (const vector of vectors) {
      const wire = Buffer.from(vector.wire, "hex").toString("latin1");
      const block = wire.slice(0, -1);
      const frame = decodeFrame(block, nodeSeal);
      if (typeof frame === "string") throw new Error(`${vector.message}: ${frame}`);
      const message = allMessages().find((entry) => entry.name === vector.message) as ReturnType<typeof allMessages>[0];
      const body = bytesOf(vector.body);
      expect(decodeBody(message, frame.body)).toEqual(body);
      expect(encodeFrame({ ...frame, body: encodeBody(message, body) }, nodeSeal)).toBe(wire);
      expect(inLua(block)).toEqual({ fields: body, wire });
    }
  });

  test(`${runs} seeded messages, bodies of up to ${STREAM_BODY_BYTES} bytes: Node and ${title} read the same fields and write the same bytes`, () => {
    const source = random(31);
    const seen = { names: new Set<string>(), long: 0, longest: 0 };
    for (let run = 0; run < runs; run += 1) {
      const { message, frame, fields: body } = randomFrame(source);
      const wire = encodeFrame(frame, nodeSeal);
      const block = wire.slice(0, -1);
      // Every frame is a good one: Node takes it, and so must Lua.
      expect(decodeFrame(block, nodeSeal)).toEqual(frame);
      expect(decodeBody(message, frame.body)).toEqual(body);
      expect(inLua(block)).toEqual({ fields: body, wire });
      seen.names.add(message.name);
      if (wire.length > 256) seen.long += 1;
      seen.longest = Math.max(seen.longest, frame.body.length);
    }
    expectVariety(runs, seen);
  });

  test(`${runs} seeded damaged or random blocks: Node and ${title} agree on fault or fields`, () => {
    const blocks = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(vectors.length - 1), fc.nat(), fc.nat(254)).map(([n, at, flip]) => {
        const wire = Buffer.from((vectors[n] as Vector).wire, "hex").subarray(0, -1);
        wire[at % wire.length] = ((wire[at % wire.length] as number) + flip) % 256;
        return wire;
      }),
    );
    fc.assert(
      fc.property(blocks, (bytes) => {
        const block = bytes.toString("latin1");
        const frame = decodeFrame(block, nodeSeal);
        const answer = inLua(block);
        if (typeof frame === "string") {
          expect(answer.wire).toBe(frame);
          return;
        }
        const message = allMessages().find((entry) => entry.id === frame.id);
        const body = message === undefined ? undefined : decodeBody(message, frame.body);
        if (message === undefined || body === undefined) expect(answer.wire).toBe("body");
        else
          expect(answer).toEqual({
            fields: body,
            wire: encodeFrame({ ...frame, body: encodeBody(message, body) }, nodeSeal),
          });
      }),
      { seed: 11, numRuns: runs },
    );
  });
}
