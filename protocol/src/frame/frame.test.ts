import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CONTROL_FRAME_BYTES,
  cobsDecode,
  cobsEncode,
  crc16,
  createSeal,
  decodeFrame,
  deframer,
  encodedLimitStream,
  encodeFrame,
  type Frame,
  Kind,
  nodeSeal,
  STREAM_BODY_BYTES,
} from "../index.ts";

const seed = 20260101;
const numRuns = process.env["MLTB_LONG"] === "1" ? 50_000 : 1000;
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array).toString("latin1"));
const event = (body: string): Frame => ({ kind: Kind.event, seq: 3, ack: 4, credit: 2, id: 0x2c, tag: 0, body });

test("CRC-16 of the digits 1 to 9 is 0x29B1", () => {
  expect(crc16("123456789", 0xffff)).toBe(0x29b1);
});

test("PowerSensor3: a full-scale sample reads as the command to stop: COBS: every byte string survives, the code has no zero and costs one byte per 254", () => {
  fc.assert(
    fc.property(bytes(1200), (data) => {
      const coded = cobsEncode(data);
      expect(coded.includes("\0")).toBe(false);
      expect(coded.length).toBeLessThanOrEqual(data.length + Math.floor(data.length / 254) + 1);
      expect(cobsDecode(coded)).toBe(data);
    }),
    { seed, numRuns },
  );
});

test("the host's seal gives the bytes and the answers of the portable one, for good blocks, damaged ones and any bytes", () => {
  const portable = createSeal(crc16);
  /** Runs of bytes without a zero, around the length that COBS cuts at. */
  const runs = fc
    .array(fc.tuple(fc.integer({ min: 250, max: 514 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
    .map((list) => list.map(([length, end]) => `${"r".repeat(length)}${String.fromCharCode(end)}`).join(""));
  fc.assert(
    fc.property(fc.oneof(bytes(1700), runs), bytes(16), fc.nat(), fc.nat(255), (body, header, place, value) => {
      const wire = portable.seal(header, body);
      expect(nodeSeal.seal(header, body)).toBe(wire);
      const block = wire.slice(0, -1);
      expect(nodeSeal.unseal(block)).toBe(portable.unseal(block));
      const damaged = Buffer.from(block, "latin1");
      if (damaged.length > 0) damaged[place % damaged.length] = value;
      const cut = damaged.toString("latin1").slice(0, (place % 3) - 3 || undefined);
      for (const wrong of [damaged.toString("latin1"), cut, body]) {
        expect(nodeSeal.unseal(wrong)).toBe(portable.unseal(wrong));
      }
    }),
    { seed, numRuns },
  );
});

test("PiKVM Switch: its link has no checksum: one to three flipped bits in a decoded frame are never accepted", () => {
  fc.assert(
    fc.property(bytes(200), fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (body, flips) => {
      const plain = cobsDecode(encodeFrame(event(body), nodeSeal).slice(0, -1)) as string;
      const damaged = Buffer.from(plain, "latin1");
      const places = [...new Set(flips.map((flip) => flip % (plain.length * 8)))];
      for (const place of places) damaged.writeUInt8(damaged.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
      expect(typeof decodeFrame(cobsEncode(damaged.toString("latin1")), nodeSeal)).toBe("string");
    }),
    { seed, numRuns },
  );
});

test("frames come out whole whatever the chunking, and garbage between them is counted", () => {
  fc.assert(
    fc.property(
      fc.array(bytes(60), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(40), { minLength: 1 }),
      (bodies, cuts) => {
        const wire = bodies.map((body) => `\x05garbage\0${encodeFrame(event(body), nodeSeal)}`).join("");
        const seen: string[] = [];
        const reader = deframer(encodedLimitStream, nodeSeal, (frame) => seen.push(frame.body));
        for (let at = 0, i = 0; at < wire.length; i += 1) {
          const size = 1 + (cuts[i % cuts.length] as number);
          reader.rx(wire.slice(at, at + size));
          at += size;
        }
        expect(seen).toEqual(bodies);
        expect(reader.counters.good).toBe(bodies.length);
        const { cobs, short, crc, length, kind, major } = reader.counters;
        expect(cobs + short + crc + length + kind + major).toBe(bodies.length);
      },
    ),
    { seed, numRuns: numRuns / 10 },
  );
});

test("an oversize block is skipped to its delimiter, so that its tail is not offered as a frame", () => {
  const seen: string[] = [];
  const reader = deframer(64, nodeSeal, (frame) => seen.push(frame.body));
  const inner = encodeFrame(event("inner"), nodeSeal);
  reader.rx("x".repeat(65));
  reader.rx(inner.slice(0, -1));
  expect(seen).toEqual([]);
  reader.rx(`\0${inner}`);
  expect(seen).toEqual(["inner"]);
  expect(reader.counters.oversize).toBe(1);
});

test("a control frame above its size is refused although its CRC is right", () => {
  expect(decodeFrame(encodeFrame(event("x".repeat(CONTROL_FRAME_BYTES)), nodeSeal).slice(0, -1), nodeSeal)).toBe(
    "oversize",
  );
  const stream = encodeFrame({ ...event("x".repeat(STREAM_BODY_BYTES)), kind: Kind.stream, seq: 0 }, nodeSeal);
  expect(typeof decodeFrame(stream.slice(0, -1), nodeSeal)).toBe("object");
});
