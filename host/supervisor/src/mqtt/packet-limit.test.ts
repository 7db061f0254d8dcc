import { expect, test } from "vitest";
import { CONNECT_BYTES, PACKET_BYTES, PacketLimit } from "./packet-limit.ts";

/** A packet of any kind with a body of so many bytes. */
function packet(bytes: number): Buffer {
  const header = [0x30];
  let left = bytes;
  do {
    header.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bytes, 0xff)]);
}

test.each([1, 3, 1000, 1_000_000])("packets up to their limit pass, in pieces of %i bytes", (size) => {
  const limit = new PacketLimit();
  const bytes = Buffer.concat(
    [0, 127, 128, 16_383, 16_384, PACKET_BYTES].map((n) => packet(Math.min(n, PACKET_BYTES))),
  );
  const all = Buffer.concat([packet(CONNECT_BYTES), bytes]);
  for (let at = 0; at < all.length; at += size) expect(limit.take(all.subarray(at, at + size))).toBe(true);
});

test("a length beyond the limit is told with its header, the first packet's already at the smaller one", () => {
  expect(new PacketLimit().take(packet(CONNECT_BYTES + 1).subarray(0, 3))).toBe(false);
  const limit = new PacketLimit();
  expect(limit.take(packet(10))).toBe(true);
  expect(limit.take(packet(PACKET_BYTES + 1).subarray(0, 4))).toBe(false);
  expect(new PacketLimit().take(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80]))).toBe(false);
});
