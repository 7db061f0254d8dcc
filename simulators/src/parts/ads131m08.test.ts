import { crc16 } from "@mltb/protocol";
import { expect, test } from "vitest";
import { type Ads131m08, createAds131m08 } from "./ads131m08.ts";

/** A frame of ten words; the words that the part sends. */
function frame(part: Ads131m08, bits: number, ...command: number[]): number[] {
  part.select();
  const words = Array.from({ length: 10 }, (_, n) => part.exchange((command[n] ?? 0) << (bits - 16), bits));
  part.deselect();
  return words;
}

/** Register write of MODE: words of 16 bits. */
const MODE_16 = [0x6100, 0x0000];

function sixteenBits(): Ads131m08 {
  const part = createAds131m08();
  frame(part, 24, ...MODE_16);
  return part;
}

test("ADS131M08: 24-bit words after reset; a register read gives the reset value (8.6): CLOCK is 0xff0e", () => {
  const part = createAds131m08();
  frame(part, 24, 0xa000 | (3 << 7));
  expect((frame(part, 24)[0] as number) >> 8).toBe(0xff0e);
  frame(part, 24, ...MODE_16);
  // The answer to a write of one register is 0100 aaaa aaan nnnn (8.5.1.10.7).
  expect(frame(part, 16)[0]).toBe(0x4100);
});

test("ADS131M08: every register that the driver knows has its reset value (8.6), keeps what is written, and loses it at a reset", () => {
  const part = createAds131m08();
  const read = (address: number): number => {
    frame(part, 24, 0xa000 | (address << 7));
    return (frame(part, 24)[0] as number) >> 8;
  };
  const all = (): number[] => [0, 1, 2, 3, 4, 5, 6].map(read);
  const reset = [0x2800, 0x0500, 0x0510, 0xff0e, 0x0000, 0x0000, 0x0600];
  expect(all()).toEqual(reset);
  // WREG 011a aaaa annn nnnn: GAIN1 and GAIN2 at once, n is one less than two.
  frame(part, 24, 0x6000 | (4 << 7) | 1, 0x1234, 0x4321);
  expect([read(4), read(5)]).toEqual([0x1234, 0x4321]);
  frame(part, 24, 0x0011);
  expect(all()).toEqual(reset);
});

test("ADS131M08: /DRDY falls with a conversion and rises when a frame begins", () => {
  const part = createAds131m08();
  expect(part.drdy()).toBe(1);
  part.convert([0.1]);
  expect(part.drdy()).toBe(0);
  frame(part, 24);
  expect(part.drdy()).toBe(1);
});

test("ADS131M08: data rate is CLKIN / 2 / OSR (8.3.4): 5.12 MHz and OSR 128 give 20 kS/s; without a clock there is none", () => {
  const part = createAds131m08();
  expect(part.period_us()).toBeUndefined();
  part.clkin_hz = 5_120_000;
  // After reset OSR is 1024: 400 us.
  expect(part.period_us()).toBe(400);
  frame(part, 24, 0x6180, 0xff82);
  expect(part.period_us()).toBe(50);
});

test("ADS131M08: a code is V x gain / 1.2 V x 32768 (8.3.3), rounded, saturated, two's complement; the CRC closes the frame", () => {
  const part = sixteenBits();
  const volts = [0.6, -0.6, 1.2, -1.2, 2, -2, 1.2 / 32768, 0];
  for (let n = 0; n < 3; n += 1) part.convert(volts);
  const words = frame(part, 16);
  expect(words.slice(1, 9)).toEqual([16384, 0xc000, 32767, 0x8000, 32767, 0x8000, 1, 0]);
  const bytes = words.slice(0, 9).flatMap((word) => [word >> 8, word & 255]);
  expect(words[9]).toBe(crc16(String.fromCharCode(...bytes), 0xffff));
  // Gain 4 on channel 1 alone: PGAGAIN0 = 2.
  frame(part, 16, 0x6200, 0x0002);
  for (let n = 0; n < 3; n += 1) part.convert([0.15, 0.15]);
  expect(frame(part, 16).slice(1, 3)).toEqual([16384, 4096]);
});

test("ADS131M08: a step passes the sinc3 filter in three conversions: 1/6, 5/6, 1 (8.3.5)", () => {
  const part = sixteenBits();
  for (let n = 0; n < 3; n += 1) part.convert([0]);
  const seen = [0, 0, 0, 0].map(() => {
    part.convert([0.6]);
    return frame(part, 16)[1];
  });
  expect(seen).toEqual([Math.round(16384 / 6), Math.round((16384 * 5) / 6), 16384, 16384]);
});
