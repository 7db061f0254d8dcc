import { buildBundle } from "@mltb/firmware";
import { expect, test } from "vitest";
import { createLuaBoard } from "../src/index.ts";
import { type At24c, createAt24c } from "../src/parts/at24c.ts";
import { createI2cBus } from "../src/parts/i2c.ts";
import { random } from "../src/world/random.ts";

const LONG = process.env["MLTB_LONG"] === "1";
const POINTS = LONG ? 1000 : 100;
const ADDRESS = 0x50;
const SAVE_MS = 200;

/** The records' driver in a Lua state, on a bus with the EEPROM's twin; time moves by milliseconds. */
async function onBoard(part: At24c) {
  const { source } = await buildBundle("memory");
  const bus = createI2cBus(100_000);
  bus.parts.set(ADDRESS, part);
  let now_us = 0;
  let sent = "";
  let refused = 0;
  const hal = {
    link_write(bytes: string) {
      sent = bytes;
    },
    i2c_xfer(_bus: number, address: number, out: string, read: number): string | undefined {
      const answer = bus.transfer(address, Buffer.from(out, "latin1"), read, now_us);
      if (answer === undefined) refused += 1;
      return answer === undefined ? undefined : Buffer.from(answer).toString("latin1");
    },
  };
  const board = await createLuaBoard({ bundle: source, hal });
  const command = (text: string): string => {
    sent = "";
    board.rx(text, now_us / 1000);
    return sent;
  };
  return {
    bus,
    refused: () => refused,
    load: (slot: number) => command(`l${String.fromCharCode(slot)}`),
    save: (slot: number, bytes: string) => command(`s${String.fromCharCode(slot)}${bytes}`),
    /** Longest time that one tick held the bus, in bytes on the wire, is bounded by a page. */
    run(ms: number): void {
      for (let n = 0; n < ms; n += 1) {
        now_us += 1000;
        board.tick(now_us / 1000);
      }
    },
    now_us: () => now_us,
    failures: () => Number(board.keep()),
    close: () => board.close(),
  };
}

const content = (seed: number, length: number): string => {
  const source = random(seed);
  return Array.from({ length }, () => String.fromCharCode(Math.floor(source.uniform() * 256))).join("");
};

test("records: what was saved is loaded, also the longest and the empty one, and slots do not touch each other", async () => {
  const part = createAt24c();
  const board = await onBoard(part);
  expect(board.load(0)).toBe("");
  for (const [slot, length] of [
    [0, 251],
    [3, 1],
    [7, 96],
    [0, 40],
    [3, 0],
  ] as const) {
    expect(board.save(slot, content(slot + length, length))).toBe("");
    board.run(SAVE_MS);
    expect(board.load(slot)).toBe(content(slot + length, length));
  }
  expect(board.load(7)).toBe(content(103, 96));
  expect(board.save(1, content(1, 252))).toBe("busy");
  expect(part.counters.wrapped).toBe(0);
  expect(board.failures()).toBe(0);
  board.close();
});

test("records: a save does not wait: the part is asked again after each write cycle of 5 ms, and a second save is refused meanwhile", async () => {
  const board = await onBoard(createAt24c());
  board.save(0, content(5, 251));
  board.run(10);
  expect(board.save(1, "x")).toBe("busy");
  // Eight pages of 3.2 ms on the wire and a cycle of 5 ms each, asked for once a millisecond.
  board.run(75);
  expect(board.load(0)).toBe(content(5, 251));
  expect(board.refused()).toBeGreaterThan(20);
  board.close();
});

test("records: a part that is absent or dead makes a save fail after 100 ms, and nothing else", async () => {
  const part = createAt24c();
  const board = await onBoard(part);
  board.save(2, "first");
  board.run(SAVE_MS);
  board.bus.parts.delete(ADDRESS);
  expect(board.load(2)).toBe("");
  board.save(2, "second");
  board.run(150);
  expect(board.failures()).toBe(1);
  board.bus.parts.set(ADDRESS, part);
  expect(board.load(2)).toBe("first");
  expect(board.save(2, "third")).toBe("");
  board.run(SAVE_MS);
  expect(board.load(2)).toBe("third");
  board.close();
});

test("records: a damaged byte is never taken for content; the copy before it is", async () => {
  const part = createAt24c();
  const board = await onBoard(part);
  for (const text of ["older", "newer"]) {
    board.save(0, text);
    board.run(SAVE_MS);
  }
  expect(board.load(0)).toBe("newer");
  // The second copy begins at byte 256: flip a bit of each of its bytes in turn.
  for (let at = 256; at < 256 + 10; at += 1) {
    part.bytes[at] = (part.bytes[at] as number) ^ 0x10;
    expect(board.load(0), `byte ${at}`).toBe("older");
    part.bytes[at] = (part.bytes[at] as number) ^ 0x10;
  }
  board.close();
});

test(`records: power lost at ${POINTS} seeded points of a save: the record is the old one or the new one, never another`, async () => {
  const part = createAt24c();
  const source = random(77);
  let kept = "";
  let news = 0;
  let board = await onBoard(part);
  for (let n = 0; n < POINTS; n += 1) {
    const wanted = content(n, Math.floor(source.uniform() * 252));
    board.save(0, wanted);
    board.run(Math.floor(source.uniform() * 60));
    part.cutPower(source.uniform, board.now_us());
    board.close();
    board = await onBoard(part);
    const found = board.load(0);
    expect([kept, wanted].includes(found), `point ${n}`).toBe(true);
    if (found === wanted) news += 1;
    kept = found;
  }
  board.close();
  // Both outcomes were seen.
  expect(news).toBeGreaterThan(POINTS / 10);
  expect(news).toBeLessThan(POINTS);
});
