import { INA226 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createHc595Chain } from "./hc595.ts";
import { createHd44780 } from "./hd44780.ts";
import { createI2cBus } from "./i2c.ts";
import { createIna226 } from "./ina226.ts";

function write(part: ReturnType<typeof createIna226>, ...bytes: number[]): void {
  part.addressed(false, 0);
  for (const value of bytes) part.writeByte(value, 0);
}

function read(part: ReturnType<typeof createIna226>, register: number): number {
  write(part, register);
  part.addressed(true, 0);
  return (part.readByte(0) << 8) | part.readByte(0);
}

test("INA226: identity and reset values", () => {
  const part = createIna226({ bus_v: () => 0, shunt_v: () => 0 });
  expect(read(part, 0x00)).toBe(0x4127);
  expect(read(part, 0xfe)).toBe(0x5449);
  expect(read(part, 0xff)).toBe(0x2260);
});

test("INA226: 11.98 V and 20 mV over 2 mOhm, the worked example of its data sheet (table 1)", () => {
  const part = createIna226({ bus_v: () => 11.98, shunt_v: () => 0.02 });
  // Calibration 0x0A00 = 2560 for 1 mA per code.
  write(part, 0x05, 0x0a, 0x00);
  for (let t = 0; t <= 3000; t += 100) part.advance(t);
  expect(read(part, 0x01)).toBe(8000); // 20 mV / 2.5 uV
  expect(read(part, 0x02)).toBe(9584); // 11.98 V / 1.25 mV
  expect(read(part, 0x04)).toBe(10000); // 8000 x 2560 / 2048
  expect(read(part, 0x03)).toBe(4792); // 10000 x 9584 / 20000
});

test("INA226: conversions take their time, the shunt saturates at 81.92 mV, negative values are two's complement", () => {
  let shunt = 0.1;
  const part = createIna226({ bus_v: () => 5, shunt_v: () => shunt });
  part.advance(0);
  part.advance(2100);
  expect(read(part, 0x01)).toBe(0);
  part.advance(2200); // 1.1 ms + 1.1 ms
  expect(read(part, 0x01)).toBe(32767);
  shunt = -0.001;
  for (let t = 2300; t < 8000; t += 100) part.advance(t);
  expect(read(part, 0x01)).toBe(0x10000 - 400);
  expect(INA226.shunt_lsb_v * 400).toBeCloseTo(0.001, 9);
});

test("I2C: an address without a part does not acknowledge", () => {
  expect(createI2cBus(400_000).transfer(0x50, Uint8Array.of(0), 1, 0)).toBeUndefined();
});

test("74HC595: bits shift on the clock's rising edge and appear on the latch's", () => {
  const chain = createHc595Chain(8);
  for (const bit of [1, 0, 0, 0, 0, 0, 1, 1]) {
    chain.pins(bit, 0, 0);
    chain.pins(bit, 1, 0);
  }
  expect(chain.output(0)).toBe(0);
  chain.pins(0, 1, 1);
  expect([0, 1, 2, 7].map((bit) => chain.output(bit))).toEqual([1, 1, 0, 1]);
  chain.outputsEnabled = false;
  expect(chain.output(0)).toBe(0);
});

test("HD44780: without the initialisation it stays in 8-bit mode and shows nothing; strobes while busy are lost and counted", () => {
  const lcd = createHd44780(20);
  lcd.strobe(1, 4, 50_000);
  lcd.strobe(1, 1, 50_010);
  expect(lcd.busyViolations).toBe(1);
  expect(lcd.rows()[0]?.trim()).toBe("");
});
