import { expect, test } from "vitest";
import { createHd44780 } from "./hd44780.ts";
import { createI2cBus } from "./i2c.ts";
import { createInputs, createLcdBackpack } from "./pcf8574.ts";

const ADDRESS = 0x27;

/** The expander on its bus, and what comes to the display behind it: RS, nibble, time. */
function onBus() {
  const lcd = createHd44780(20);
  const strobes: [rs: number, nibble: number, at_us: number][] = [];
  lcd.strobe = (rs, nibble, now_us) => {
    strobes.push([rs, nibble, now_us]);
  };
  const part = createLcdBackpack(lcd);
  const bus = createI2cBus(100_000);
  bus.parts.set(ADDRESS, part);
  return {
    lcd,
    part,
    strobes,
    write: (...bytes: number[]) => bus.transfer(ADDRESS, Uint8Array.from(bytes), 0, 0),
    read: () => bus.transfer(ADDRESS, new Uint8Array(0), 1, 0),
    elsewhere: () => bus.transfer(ADDRESS - 1, Uint8Array.of(0), 0, 0),
  };
}

test("PCF8574: all eight bits are high after power-on (7.1), a write is at the port and is read back, another address is not acknowledged", () => {
  const { read, write, elsewhere } = onBus();
  expect(read()).toEqual(Uint8Array.of(0xff));
  write(0x5a);
  expect(read()).toEqual(Uint8Array.of(0x5a));
  write(0x01, 0x80);
  expect(read()).toEqual(Uint8Array.of(0x80));
  expect(elsewhere()).toBeUndefined();
});

test("PCF8574: what drives a pin low wins over the 100 uA that hold it high (7.1); a bit that was written low reads low whatever drives it", () => {
  const bus = createI2cBus(100_000);
  let driven = 0b1010_0101;
  bus.parts.set(
    ADDRESS,
    createInputs(() => driven),
  );
  const read = () => bus.transfer(ADDRESS, new Uint8Array(0), 1, 0)?.[0];
  expect(read()).toBe(0b1010_0101);
  driven = 0xff;
  expect(read()).toBe(0xff);
  bus.transfer(ADDRESS, Uint8Array.of(0x0f), 0, 0);
  expect(read()).toBe(0x0f);
});

test("PCF8574: `A` (0x41) in two nibbles with the light on is 4d 49 1d 19: the display takes each when E falls, at the byte's acknowledgement", () => {
  const { strobes, write } = onBus();
  write(0x08);
  strobes.length = 0;
  // D7 to D4, light 8, E 4, RW 2, RS 1; a byte takes 9 bits of 10 us, the address the first 90 us.
  write(0x4d, 0x49, 0x1d, 0x19);
  expect(strobes).toEqual([
    [1, 4, 270],
    [1, 1, 450],
  ]);
});

test("PCF8574: the data stand while E is high; E that rises, a read (RW high) and a change without E reach no display", () => {
  const { strobes, write } = onBus();
  write(0x00);
  strobes.length = 0;
  // Nibble 3 with E, then E falls while the data lines change: what counts stood before the edge.
  write(0x34, 0xf0);
  expect(strobes.map(([rs, nibble]) => [rs, nibble])).toEqual([[0, 3]]);
  strobes.length = 0;
  write(0x36, 0x32);
  write(0x30, 0xa0, 0x00);
  expect(strobes).toEqual([]);
});

test("HD44780: RS and RW stand before E rises (tAS, 60 ns): a write that changes them with E is counted, one before it is not", () => {
  const { lcd, write } = onBus();
  // All bits are high after power-on: E stays, RS and RW change below it.
  write(0x3c);
  expect(lcd.setupViolations).toBe(1);
  write(0x38);
  for (const [address, violations] of [
    [1, 2],
    [0, 3],
    [2, 4],
  ] as const) {
    write(0x0c | address, 0x08 | address);
    expect(lcd.setupViolations).toBe(violations);
  }
  for (const address of [1, 0, 2, 0])
    write(0x08 | address, 0x0c | address, 0x08 | address, 0xfc | address, 0xf8 | address);
  expect(lcd.setupViolations).toBe(4);
});

test("PCF8574: after a loss of its supply all bits are high again, and the display behind it has lost its set-up", () => {
  const lcd = createHd44780(20);
  const part = createLcdBackpack(lcd);
  part.writeByte(0x30, 0);
  part.powerUp(1_000_000);
  expect(part.port).toBe(0xff);
  // E has stood high since the power came: its fall in a read is no strobe, and the display is busy for 40 ms.
  for (const port of [0x38, 0x3c, 0x38]) part.writeByte(port, 1_039_999);
  expect([lcd.busyViolations, lcd.strobes]).toEqual([1, 0]);
  for (const port of [0x3c, 0x38]) part.writeByte(port, 1_040_000);
  expect([lcd.busyViolations, lcd.strobes]).toEqual([1, 1]);
});

test("PCF8574: bit 3 is the light", () => {
  const { part, write } = onBus();
  expect(part.backlight()).toBe(true);
  write(0xf7);
  expect(part.backlight()).toBe(false);
  write(0x08);
  expect(part.backlight()).toBe(true);
});
