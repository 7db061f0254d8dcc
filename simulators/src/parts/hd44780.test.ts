import { expect, test } from "vitest";
import { createHd44780, type Hd44780 } from "./hd44780.ts";

/** Figure 24 of the data sheet: three function sets of eight bits with their waits, then four bits. */
const SEQUENCE: [nibble: number, wait_us: number][] = [
  [3, 4100],
  [3, 100],
  [3, 37],
  [2, 37],
];

function send(lcd: Hd44780, rs: number, value: number, at_us: number): void {
  lcd.strobe(rs, value >> 4, at_us);
  lcd.strobe(rs, value & 15, at_us + 1);
}

/** The initialisation by instruction, each wait shortened by `hurry_us`; gives the time at its end. */
function initialise(lcd: Hd44780, hurry_us = 0, power_us = 0): number {
  let now = power_us + 40_000;
  for (const [nibble, wait_us] of SEQUENCE) {
    lcd.strobe(0, nibble, now);
    now += wait_us - hurry_us;
  }
  for (const [value, wait_us] of [
    [0x28, 37],
    [0x08, 37],
    [0x01, 1520],
    [0x06, 37],
    [0x0c, 37],
  ] as const) {
    send(lcd, 0, value, now);
    now += wait_us + 1;
  }
  return now;
}

test("HD44780: without the initialisation it stays in 8-bit mode and shows nothing; strobes while busy are lost and counted", () => {
  const lcd = createHd44780(20);
  lcd.strobe(0, 3, 39_999);
  expect([lcd.busyViolations, lcd.strobes]).toEqual([1, 0]);
  lcd.strobe(1, 4, 50_000);
  lcd.strobe(1, 1, 50_010);
  expect(lcd.busyViolations).toBe(2);
  expect(lcd.rows()[0]?.trim()).toBe("");
});

test("HD44780: the initialisation of figure 24 with its waits of 4.1 ms and 100 us is taken; one that hurries loses strobes", () => {
  const lcd = createHd44780(20);
  let now = initialise(lcd);
  expect(lcd.busyViolations).toBe(0);
  for (const [row, start] of [0x00, 0x40, 0x14, 0x54].entries()) {
    send(lcd, 0, 0x80 | start, now);
    send(lcd, 1, 0x41 + row, now + 40);
    now += 80;
  }
  expect(lcd.rows().map((text) => text.trim())).toEqual(["A", "B", "C", "D"]);
  const hurried = createHd44780(20);
  initialise(hurried, 30);
  expect(hurried.busyViolations).toBeGreaterThan(0);
});

test("HD44780: what was written is lost with the supply; it starts in 8-bit mode, busy for 40 ms, and takes the initialisation again", () => {
  const lcd = createHd44780(20);
  send(lcd, 1, 0x41, initialise(lcd));
  expect(lcd.rows()[0]?.trim()).toBe("A");
  lcd.powerUp(1_000_000);
  expect(lcd.rows()[0]?.trim()).toBe("");
  lcd.strobe(0, 3, 1_039_999);
  expect(lcd.busyViolations).toBe(1);
  // Nibbles of four-bit transfers are commands of their own now: none of them switches the display on.
  send(lcd, 0, 0x0c, 1_041_000);
  send(lcd, 1, 0x42, 1_043_000);
  expect(lcd.rows()[0]?.trim()).toBe("");
  send(lcd, 1, 0x43, initialise(lcd, 0, 2_000_000));
  expect(lcd.rows()[0]?.trim()).toBe("C");
});

test("HD44780: execution times of table 6: 37 us for a character, 1.52 ms to clear", () => {
  const lcd = createHd44780(20);
  const now = initialise(lcd);
  send(lcd, 1, 0x41, now);
  send(lcd, 1, 0x42, now + 37);
  expect(lcd.busyViolations).toBe(1);
  send(lcd, 1, 0x43, now + 39);
  send(lcd, 0, 0x01, now + 100);
  send(lcd, 1, 0x44, now + 1600);
  expect(lcd.rows()[0]?.trim()).toBe("");
});

test("HD44780: two lines of 40: the end of the first is followed by the second, the third row continues the first", () => {
  const lcd = createHd44780(20);
  let now = initialise(lcd);
  send(lcd, 0, 0x80 | 0x13, now);
  for (const text of "ab") {
    now += 40;
    send(lcd, 1, text.charCodeAt(0), now);
  }
  now += 40;
  send(lcd, 0, 0x80 | 0x27, now);
  for (const text of "cd") {
    now += 40;
    send(lcd, 1, text.charCodeAt(0), now);
  }
  const rows = lcd.rows();
  expect([rows[0]?.[19], rows[2]?.[0], rows[2]?.[19], rows[1]?.[0]]).toEqual(["a", "b", "c", "d"]);
});

test("HD44780: character ROM A00 differs from ASCII in three places; CGRAM holds eight characters of its own", () => {
  const lcd = createHd44780(20);
  let now = initialise(lcd);
  send(lcd, 0, 0x40 | (2 << 3), now);
  for (const dots of [0x00, 0x0a, 0x1f, 0x1f, 0x0e, 0x04, 0xff, 0x00]) {
    now += 40;
    send(lcd, 1, dots, now);
  }
  now += 40;
  send(lcd, 0, 0x80, now);
  for (const code of [0x5c, 0x7e, 0x7f, 0x7d, 0xdf, 0x02, 0x0a]) {
    now += 40;
    send(lcd, 1, code, now);
  }
  expect(lcd.rows()[0]?.slice(0, 7)).toBe("¥→←}°\ue002\ue002");
  // Five dots a row: the upper three bits have no place.
  expect(lcd.glyph(2)).toEqual([0x00, 0x0a, 0x1f, 0x1f, 0x0e, 0x04, 0x1f, 0x00]);
});

test("HD44780: the upper half of ROM A00 reads as its table 4 draws it; codes without a glyph are blank", () => {
  const lcd = createHd44780(20);
  let now = initialise(lcd);
  const shown = (codes: number[]): string => {
    send(lcd, 0, 0x80, now);
    now += 40;
    for (const code of codes) {
      send(lcd, 1, code, now);
      now += 40;
    }
    return (lcd.rows()[0] as string).slice(0, codes.length);
  };
  expect(shown([0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe8, 0xec, 0xee, 0xef])).toBe("αäβεμσρ√¢ñö");
  expect(shown([0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, 0xff])).toBe("θ∞ΩüΣπ千万円÷█");
  expect(shown([0xe7, 0xea, 0xf0, 0xf1, 0xf9])).toBe("gjpqy");
  expect(shown([0xa1, 0xb1, 0xde, 0xdf])).toBe("｡ｱﾞ°");
  expect(shown([0x10, 0x1f, 0x80, 0x9f, 0xa0, 0xfe])).toBe("      ");
  expect(lcd.rows()[0]).toHaveLength(20);
  expect(lcd.busyViolations).toBe(0);
});
