import { INA226 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createAdm1272 } from "./adm1272.ts";
import { createHc595Chain } from "./hc595.ts";
import { createI2cBus } from "./i2c.ts";
import { createIna226 } from "./ina226.ts";
import { createTripLatch } from "./trip-latch.ts";

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

test("INA226: averages and conversion times of the configuration: 16 x (332 us + 588 us) = 14.72 ms (tables 6 to 8)", () => {
  let bus = 5;
  const part = createIna226({ bus_v: () => bus, shunt_v: () => 0 });
  // AVG 010, VBUSCT 011, VSHCT 010, continuous.
  write(part, 0x00, 0x44, 0xd7);
  for (let t = 0; t < 14_720; t += 10) {
    if (t >= 7360) bus = 6;
    part.advance(t);
  }
  expect(read(part, 0x02)).toBe(0);
  part.advance(14_720);
  // Half of the time 5 V, half 6 V: 5.5 V / 1.25 mV.
  expect(Math.abs(read(part, 0x02) - 4400)).toBeLessThanOrEqual(1);
  // A write of the reset bit gives back the reset values (section 7.6.1).
  write(part, 0x00, 0x80, 0x00);
  expect(read(part, 0x00)).toBe(0x4127);
  expect(read(part, 0x02)).toBe(0);
});

test("INA226: codes are rounded, the bus saturates at 40.96 V and reads no less than 0, a specimen's gain and offset count", () => {
  const seen = (bus_v: number, shunt_v: number, errors?: Parameters<typeof createIna226>[1]): [number, number] => {
    const part = createIna226({ bus_v: () => bus_v, shunt_v: () => shunt_v }, errors);
    for (let t = 0; t <= 2200; t += 100) part.advance(t);
    return [read(part, 0x02), read(part, 0x01)];
  };
  // 5.0006 V / 1.25 mV = 4000.48; 3.7 uV / 2.5 uV = 1.48.
  expect(seen(5.0006, 0.0000037)).toEqual([4000, 1]);
  // 5.0007 V / 1.25 mV = 4000.56; -3.8 uV / 2.5 uV = -1.52.
  expect(seen(5.0007, -0.0000038)).toEqual([4001, 0x10000 - 2]);
  expect(seen(41, -0.1)).toEqual([32767, 0x8000]);
  expect(seen(-1, 0)).toEqual([0, 0]);
  // 5 V x 1.001 + 2 mV = 5.007 V = 4005.6 codes; 50 mV x 0.999 + 10 uV = 49.96 mV = 19984 codes.
  const errors = { bus_gain: 0.001, bus_offset_v: 0.002, shunt_gain: -0.001, shunt_offset_v: 0.00001 };
  expect(seen(5, 0.05, errors)).toEqual([4006, 19984]);
});

test("INA226: a conversion sets the ready flag, a read of Mask/Enable clears it; registers that cannot be written keep their value", () => {
  const part = createIna226({ bus_v: () => 5, shunt_v: () => 0 });
  for (let t = 0; t <= 2200; t += 100) part.advance(t);
  expect(read(part, 0x06)).toBe(0x0008);
  expect(read(part, 0x06)).toBe(0);
  for (const register of [0x01, 0x02, 0x03, 0x04, 0xfe, 0xff]) {
    const before = read(part, register);
    write(part, register, 0x12, 0x34);
    expect(read(part, register)).toBe(before);
  }
  // The supply was away: limit and calibration are 0 again, the configuration its reset value.
  write(part, 0x05, 0x0a, 0x00);
  write(part, 0x07, 0x5c, 0x30);
  write(part, 0x00, 0x40, 0x97);
  part.powerUp();
  expect([0x00, 0x05, 0x06, 0x07].map((register) => read(part, register))).toEqual([0x4127, 0, 0, 0]);
});

test("INA226: alert on shunt over-voltage above the limit, latched until Mask/Enable is read (section 7.6.7)", () => {
  let shunt = 0.0589;
  let fell = 0;
  const part = createIna226({ bus_v: () => 5, shunt_v: () => shunt });
  part.onAlert = () => {
    fell += 1;
  };
  write(part, 0x06, 0x80, 0x01);
  // 2.95 A x 20 mOhm = 59 mV, / 2.5 uV = 23600.
  write(part, 0x07, 23600 >> 8, 23600 & 255);
  const run = (from: number): void => {
    for (let t = from; t < from + 5000; t += 100) part.advance(t);
  };
  run(0);
  expect([part.alert(), fell]).toEqual([false, 0]);
  shunt = 0.0591;
  run(5000);
  expect([part.alert(), fell]).toEqual([true, 1]);
  shunt = 0;
  run(10_000);
  expect(part.alert()).toBe(true);
  expect(read(part, 0x06) & 0x10).toBe(0x10);
  expect(part.alert()).toBe(false);
  // Bus under-voltage at 4.5 V / 1.25 mV = 3600, transparent: it ends by itself.
  write(part, 0x06, 0x10, 0x00);
  write(part, 0x07, 3601 >> 8, 3601 & 255);
  run(15_000);
  expect(part.alert()).toBe(false);
  write(part, 0x07, 0x0f, 0xa1); // 4001 codes are 5.00125 V
  run(20_000);
  expect(part.alert()).toBe(true);
});

test("I2C: an address without a part does not acknowledge", () => {
  expect(createI2cBus(400_000).transfer(0x50, Uint8Array.of(0), 1, 0)).toBeUndefined();
});

test("I2C: a part that holds SDA lets go after its clocks; a line that is shorted never; nothing is carried meanwhile", () => {
  const bus = createI2cBus(100_000);
  bus.parts.set(0x10, createAdm1272({ vin_v: () => 24, vout_v: () => 0, shunt_v: () => 0 }));
  const read = (): Uint8Array | undefined => bus.transfer(0x10, Uint8Array.of(0x99), 4, 0);
  bus.hold = { sda_clocks: 3, scl: false };
  expect(read()).toBeUndefined();
  expect([bus.pulse(), bus.pulse(), bus.pulse()]).toEqual([0, 0, 1]);
  expect(read()).toHaveLength(4);
  bus.hold = { sda_clocks: Number.POSITIVE_INFINITY, scl: false };
  for (let n = 0; n < 100; n += 1) expect(bus.pulse()).toBe(0);
});

test("trip latch: cleared by an alert, the gate stays low until the output was low (its truth table)", () => {
  const latch = createTripLatch();
  expect([latch.gate(0, false), latch.gate(1, false)]).toEqual([0, 1]);
  expect([latch.gate(1, true), latch.gate(1, false)]).toEqual([0, 0]);
  expect([latch.gate(0, false), latch.gate(1, false)]).toEqual([0, 1]);
});

test("trip latch: its inputs are levels: while an alert is asserted no switch can be closed, however often it is written", () => {
  const latch = createTripLatch();
  expect([latch.gate(0, true), latch.gate(1, true), latch.gate(0, true), latch.gate(1, true)]).toEqual([0, 0, 0, 0]);
  // The alert is released while the output is high: the latch stays cleared.
  expect([latch.gate(1, false), latch.gate(0, false), latch.gate(1, false)]).toEqual([0, 0, 1]);
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

test("74HC595: what leaves the first register enters the second; what is shifted shows at the latch's edge alone, and once", () => {
  const chain = createHc595Chain(16);
  const shift = (bits: number[]): void => {
    for (const bit of bits) {
      chain.pins(bit, 0, 0);
      chain.pins(bit, 1, 0);
    }
  };
  // 0xA1, then 0x03, highest bit first: the byte that was sent first stands in the second register.
  shift([1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
  chain.pins(0, 0, 1);
  const outputs = (): number => Array.from({ length: 16 }, (_, n) => chain.output(n) << n).reduce((a, b) => a | b);
  expect(outputs()).toBe(0xa103);
  // A clock while the latch stays high moves the registers and no output.
  chain.pins(1, 1, 1);
  expect(outputs()).toBe(0xa103);
  chain.pins(1, 1, 0);
  chain.pins(1, 1, 1);
  expect(outputs()).toBe(0x4207);
});
