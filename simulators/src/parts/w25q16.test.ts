import { expect, test } from "vitest";
import { createFlash, type Flash } from "./w25q16.ts";

// Winbond W25Q16JV, data sheet revision G: instructions in chapter 8, times in 9.6.
const WRITE_ENABLE = 0x06;
const READ = 0x03;
const PROGRAM = 0x02;
const STATUS = 0x05;
const ERASE = 0x20;
const UNIQUE_ID = 0x4b;
const BUSY = 1;
const WRITE_ENABLED = 2;

/** One transaction: the select line falls, bytes go out, as many come in behind them, the line rises. */
function send(flash: Flash, out: number[], more: number, now_us: number): number[] {
  flash.select();
  for (const byte of out) flash.exchange(byte, now_us);
  const got = Array.from({ length: more }, () => flash.exchange(0, now_us));
  flash.deselect(now_us);
  return got;
}

const at = (address: number): number[] => [address >> 16, (address >> 8) & 255, address & 255];
const read = (flash: Flash, address: number, count: number, now_us: number): number[] =>
  send(flash, [READ, ...at(address)], count, now_us);
const status = (flash: Flash, now_us: number): number => send(flash, [STATUS], 1, now_us)[0] as number;

/** An erase or a program behind its write enable. */
function change(flash: Flash, command: number, address: number, data: number[], now_us: number): void {
  send(flash, [WRITE_ENABLE], 0, now_us);
  send(flash, [command, ...at(address), ...data], 0, now_us);
}

test("W25Q16: erased cells are ones, a read goes on behind the last byte at the first one, eight bytes behind four dummies name the chip", () => {
  const flash = createFlash(1);
  expect(flash.bytes.length).toBe(2 * 1024 * 1024);
  flash.bytes.set([1, 2], 0);
  flash.bytes.set([7], 0x1fffff);
  expect(read(flash, 0x1ffffe, 4, 0)).toEqual([0xff, 7, 1, 2]);
  const id = send(flash, [UNIQUE_ID, 0, 0, 0, 0], 8, 0);
  expect(send(flash, [UNIQUE_ID, 0, 0, 0, 0], 8, 0)).toEqual(id);
  expect(send(createFlash(2), [UNIQUE_ID, 0, 0, 0, 0], 8, 0)).not.toEqual(id);
  expect(flash.counters).toEqual({ ignored: 0, unknown: 0 });
});

test("W25Q16: a program clears bits and sets none: 0xf0, then 0x3c is 0x30; an erase alone makes ones again", () => {
  const flash = createFlash(1);
  change(flash, PROGRAM, 0x1000, [0xf0], 0);
  expect(read(flash, 0x1000, 1, 1000)).toEqual([0xf0]);
  change(flash, PROGRAM, 0x1000, [0x3c], 1000);
  expect(read(flash, 0x1000, 2, 2000)).toEqual([0x30, 0xff]);
  change(flash, ERASE, 0x1000, [], 2000);
  expect(read(flash, 0x1000, 1, 100_000)).toEqual([0xff]);
});

test("W25Q16: a program past the end of its page of 256 bytes goes on at the page's beginning; of more than a page the last bytes count", () => {
  const flash = createFlash(1);
  change(flash, PROGRAM, 0x1fe, [1, 2, 3, 4], 0);
  expect(read(flash, 0x1fd, 4, 1000)).toEqual([0xff, 1, 2, 0xff]);
  expect(read(flash, 0x0ff, 4, 1000)).toEqual([0xff, 3, 4, 0xff]);
  const long = Array.from({ length: 258 }, (_, n) => n % 251);
  change(flash, PROGRAM, 0x300, long, 1000);
  // Bytes 256 and 257 of the data, 5 and 6, stand where bytes 0 and 1 were.
  expect(read(flash, 0x300, 4, 2000)).toEqual([5, 6, 2, 3]);
  expect(read(flash, 0x3ff, 2, 2000)).toEqual([4, 0xff]);
});

test("W25Q16: an erase takes the sector of 4,096 bytes that holds the address, and no byte beside it", () => {
  const flash = createFlash(1);
  flash.bytes.fill(0x55, 0x0fff, 0x2001);
  change(flash, ERASE, 0x1234, [], 0);
  expect(read(flash, 0x0fff, 2, 50_000)).toEqual([0x55, 0xff]);
  expect(read(flash, 0x1fff, 2, 50_000)).toEqual([0xff, 0x55]);
  expect(flash.bytes.slice(0x1000, 0x2000).every((byte) => byte === 0xff)).toBe(true);
});

test("W25Q16: each change needs a write enable of its own; one without is ignored, and counted", () => {
  const flash = createFlash(1);
  expect(status(flash, 0)).toBe(0);
  send(flash, [PROGRAM, ...at(0), 1], 0, 0);
  send(flash, [ERASE, ...at(0)], 0, 0);
  expect([flash.bytes[0], status(flash, 0), flash.counters.ignored]).toEqual([0xff, 0, 2]);
  send(flash, [WRITE_ENABLE], 0, 0);
  expect(status(flash, 0)).toBe(WRITE_ENABLED);
  send(flash, [PROGRAM, ...at(0), 1], 0, 0);
  expect(status(flash, 1000)).toBe(0);
  send(flash, [PROGRAM, ...at(1), 1], 0, 1000);
  expect([flash.bytes[0], flash.bytes[1], flash.counters.ignored]).toEqual([1, 0xff, 3]);
  send(flash, [0x9f], 0, 2000);
  expect(flash.counters).toEqual({ ignored: 3, unknown: 1 });
});

test("W25Q16: it is busy for 400 us of a program and 45 ms of an erase, and takes nothing but the question for its status meanwhile", () => {
  for (const [command, data, took_us] of [
    [PROGRAM, [0x12], 400],
    [ERASE, [], 45_000],
  ] as const) {
    const flash = createFlash(1);
    flash.bytes[0x5000] = 0xfe;
    change(flash, command, 0x1000, [...data], 10_000);
    const last_us = 10_000 + took_us - 1;
    expect(status(flash, last_us) & BUSY).toBe(BUSY);
    expect(read(flash, 0x5000, 1, last_us)).toEqual([0xff]);
    change(flash, PROGRAM, 0x5000, [0], last_us);
    // The read, the write enable and the program.
    expect([flash.bytes[0x5000], flash.counters.ignored]).toEqual([0xfe, 3]);
    expect(status(flash, last_us + 1)).toBe(0);
    expect(read(flash, 0x5000, 1, last_us + 1)).toEqual([0xfe]);
  }
});

test("W25Q16: power that fails in an operation leaves some of its bits changed and others not, and nothing beside its page", () => {
  const flash = createFlash(3);
  let cuts = 0;
  flash.onCut = () => {
    cuts += 1;
  };
  flash.cutAt(1);
  change(flash, PROGRAM, 0x100, Array(256).fill(0), 0);
  change(flash, PROGRAM, 0x200, Array(256).fill(0), 1000);
  change(flash, PROGRAM, 0x300, Array(256).fill(0), 2000);
  const ones = (page: number): number => {
    let sum = 0;
    for (const byte of flash.bytes.slice(page, page + 256)) for (let n = 0; n < 8; n += 1) sum += (byte >> n) & 1;
    return sum;
  };
  expect([ones(0x100), ones(0x300), ones(0x400), cuts]).toEqual([0, 0, 2048, 1]);
  // Of 2,048 bits each may have been reached: 1,024 are expected, 23 is their standard deviation.
  expect(Math.abs(ones(0x200) - 1024)).toBeLessThan(140);
  expect(flash.operations()).toBe(3);
});
