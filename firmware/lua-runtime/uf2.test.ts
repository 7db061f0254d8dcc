import { expect, test } from "vitest";
import { bootCrc32, flashContent, uf2 } from "./uf2.ts";

test("the boot ROM's sum: check value of CRC-32/MPEG-2 over 123456789", () => {
  expect(bootCrc32(Buffer.from("123456789"))).toBe(0x0376_e6e7);
});

test("a UF2 file carries every byte of flash at its address, in blocks of the RP2040's family", () => {
  const image = Uint8Array.from({ length: 1000 }, (_, n) => n & 255);
  const flash = flashContent(Uint8Array.of(1, 2, 3), image);
  const file = Buffer.from(uf2(flash));
  expect(file.length % 512).toBe(0);
  const back = Buffer.alloc(Math.ceil(flash.length / 256) * 256);
  for (let at = 0; at < file.length; at += 512) {
    expect([file.readUInt32LE(at), file.readUInt32LE(at + 4)]).toEqual([0x0a324655, 0x9e5d5157]);
    expect(file.readUInt32LE(at + 508)).toBe(0x0ab16f30);
    expect(file.readUInt32LE(at + 28)).toBe(0xe48bff56);
    expect([file.readUInt32LE(at + 20), file.readUInt32LE(at + 24)]).toEqual([at / 512, file.length / 512]);
    file.copy(back, file.readUInt32LE(at + 12) - 0x1000_0000, at + 32, at + 288);
  }
  expect(back.subarray(0, flash.length)).toEqual(Buffer.from(flash));
  expect(flash.slice(256)).toEqual(image);
  expect(bootCrc32(flash.subarray(0, 252))).toBe(Buffer.from(flash).readUInt32LE(252));
});

test("a loader that does not leave room for its sum is refused", () => {
  expect(() => flashContent(new Uint8Array(253), new Uint8Array(1))).toThrow(/252/);
});
