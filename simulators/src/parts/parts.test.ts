import { ADM1272, INA226, TMP105 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createAdm1272 } from "./adm1272.ts";
import { createHc595Chain } from "./hc595.ts";
import { createHd44780 } from "./hd44780.ts";
import { createI2cBus } from "./i2c.ts";
import { createIna226 } from "./ina226.ts";
import { createTmp105 } from "./tmp105.ts";

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

test("ADM1272: identity, direct format of voltage and current, no output voltage before it is enabled", () => {
  const bus = createI2cBus(100_000);
  bus.parts.set(0x10, createAdm1272({ vin_v: () => 24, vout_v: () => 11.95, shunt_v: () => 4.2 * 0.0003 }));
  const word = (command: number): number => {
    const [low = 0, high = 0] = bus.transfer(0x10, Uint8Array.of(command), 2, 0) ?? [];
    return low | (high << 8);
  };
  expect([...(bus.transfer(0x10, Uint8Array.of(0x99), 4, 0) ?? [])]).toEqual([3, 65, 68, 73]);
  expect(word(ADM1272.commands.pmon_config)).toBe(0x3f35);
  expect(word(ADM1272.commands.read_vout)).toBe(0);
  bus.transfer(0x10, Uint8Array.of(ADM1272.commands.pmon_config, 0x37, 0x00), 0, 0);
  expect(word(ADM1272.commands.read_vin)).toBe(974); // 24 V x 40.62
  expect(word(ADM1272.commands.read_vout)).toBe(485); // 11.95 V x 40.62
  expect(word(ADM1272.commands.read_iout)).toBe(2131); // (4.2 A x 198.9 + 20480) / 10
});

test("TMP105: nine bits after reset, twelve when they are asked for, two's complement", () => {
  const bus = createI2cBus(100_000);
  let now = 37_250;
  bus.parts.set(
    0x48,
    createTmp105(() => now),
  );
  const read = (): number[] => [...(bus.transfer(0x48, Uint8Array.of(TMP105.temperature), 2, 0) ?? [])];
  expect(read()).toEqual([37, 0]);
  bus.transfer(0x48, Uint8Array.of(TMP105.configuration, TMP105.configuration_12_bits), 0, 0);
  expect(read()).toEqual([37, 0x40]);
  now = -12_500;
  expect(read()).toEqual([0xf3, 0x80]);
});
