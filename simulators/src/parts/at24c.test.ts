import { expect, test } from "vitest";
import { createAt24c } from "./at24c.ts";
import { createI2cBus } from "./i2c.ts";

const ADDRESS = 0x50;

function onBus() {
  const bus = createI2cBus(100_000);
  const part = createAt24c();
  bus.parts.set(ADDRESS, part);
  return {
    part,
    write: (at: number, data: number[], us: number) =>
      bus.transfer(ADDRESS, Uint8Array.of(at >> 8, at & 255, ...data), 0, us) !== undefined,
    read: (at: number, count: number, us: number): number[] | undefined => {
      const bytes = bus.transfer(ADDRESS, Uint8Array.of(at >> 8, at & 255), count, us);
      return bytes === undefined ? undefined : [...bytes];
    },
  };
}

test("AT24C32E: erased cells are ones; a write is there after its cycle of 5 ms, during which it does not acknowledge (7.3)", () => {
  const { part, write, read } = onBus();
  expect(read(0x123, 2, 0)).toEqual([0xff, 0xff]);
  expect(write(0x123, [1, 2], 1000)).toBe(true);
  // Five bytes of 90 us: the stop condition is at 1450 us.
  expect(read(0x123, 2, 6300)).toBeUndefined();
  expect(part.bytes[0x123]).toBe(0xff);
  expect(read(0x123, 2, 6400)).toEqual([1, 2]);
});

test("AT24C32E: a write past the end of its page of 32 bytes goes on at the page's beginning (7.2)", () => {
  const { part, write, read } = onBus();
  write(0x3e, [10, 11, 12, 13], 0);
  expect(read(0x3e, 2, 10_000)).toEqual([10, 11]);
  expect(read(0x20, 2, 10_000)).toEqual([12, 13]);
  expect(part.counters.wrapped).toBe(0);
  write(
    0x40,
    Array.from({ length: 34 }, (_, n) => n),
    20_000,
  );
  expect(read(0x40, 3, 30_000)).toEqual([32, 33, 2]);
  expect(part.counters.wrapped).toBe(2);
});

test("AT24C32E: a sequential read rolls over at the end of the memory (8.3); an address alone writes nothing", () => {
  const { part, write, read } = onBus();
  write(0x0fff, [7], 0);
  write(0x0000, [8], 10_000);
  expect(read(0x0fff, 3, 20_000)).toEqual([7, 8, 0xff]);
  expect(write(0x0000, [], 20_000)).toBe(true);
  expect(read(0, 1, 20_400)).toEqual([8]);
  expect(part.counters.writes).toBe(2);
});

test("AT24C32E: power that fails during the cycle leaves that page undefined and all others as they were", () => {
  const { part, write, read } = onBus();
  write(0x20, [1, 1, 1], 0);
  write(0x40, [2, 2, 2], 10_000);
  const fates = [0.1, 0.5, 0.9, 0.25];
  part.cutPower(() => fates.shift() ?? 0, 11_000);
  // New, old, and a byte that is neither: 0.25 x 256.
  expect(read(0x40, 3, 12_000)).toEqual([2, 0xff, 64]);
  expect(read(0x20, 3, 12_000)).toEqual([1, 1, 1]);
});
