import { ADM1272 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { type Adm1272Inputs, createAdm1272 } from "./adm1272.ts";
import { createI2cBus } from "./i2c.ts";

const ADDRESS = 0x10;
const C = ADM1272.commands;
/** From the start of a transfer to the last of four bytes at 100 kHz: address, command and two of data. */
const WRITE_US = 360;

function onBus(inputs: Adm1272Inputs) {
  const bus = createI2cBus(100_000);
  const part = createAdm1272(inputs);
  bus.parts.set(ADDRESS, part);
  return {
    bytes: (command: number, count: number) => [...(bus.transfer(ADDRESS, Uint8Array.of(command), count, 0) ?? [])],
    word(command: number): number {
      const [low = 0, high = 0] = bus.transfer(ADDRESS, Uint8Array.of(command), 2, 0) ?? [];
      return low | (high << 8);
    },
    /** Has PMON_CONFIG written at this time. */
    configure: (value: number, at_us: number) =>
      bus.transfer(ADDRESS, Uint8Array.of(C.pmon_config, value & 255, value >> 8), 0, at_us - WRITE_US),
    run(from_us: number, to_us: number): void {
      for (let t = from_us; t <= to_us; t += 1) part.advance(t);
    },
  };
}

test("ADM1272: identity, direct format of voltage and current, no output voltage before it is enabled", () => {
  const { bytes, word, configure, run } = onBus({ vin_v: () => 24, vout_v: () => 11.95, shunt_v: () => 4.2 * 0.0003 });
  expect(bytes(C.mfr_id, 4)).toEqual([3, 65, 68, 73]);
  expect(word(C.pmon_config)).toBe(0x3f35);
  run(0, 40_000);
  expect(word(C.read_vin)).toBe(974); // 24 V x 40.62
  expect(word(C.read_vout)).toBe(0);
  configure(ADM1272.pmon_config, 40_000);
  run(40_001, 41_000);
  expect(word(C.read_vin)).toBe(974);
  expect(word(C.read_vout)).toBe(485); // 11.95 V x 40.62
  expect(word(C.read_iout)).toBe(2131); // (4.2 A x 198.9 + 20480) / 10
});

test("ADM1272: twelve bits saturate, a reverse current is below the offset of 20480 / 10, other parts' registers read as ones", () => {
  let shunt_v = 1;
  const { word, configure, run } = onBus({ vin_v: () => 150, vout_v: () => 0, shunt_v: () => shunt_v });
  configure(ADM1272.pmon_config, 0);
  run(1, 1000);
  expect(word(C.read_vin)).toBe(4095); // 150 V x 40.62 = 6093
  expect(word(C.read_iout)).toBe(4095);
  shunt_v = -0.001;
  run(1001, 2000);
  expect(word(C.read_iout)).toBe(1981); // (-1 mV x 663 + 20480) / 10 = 1981.7
  expect(word(0x42)).toBe(0xffff);
});

test("ADM1272: readings are 0 until the first conversion has ended: 128 x 280 us after reset, 426 us with the output voltage and without averages (times of the ADM1276)", () => {
  let vin_v = 24;
  const { word, configure, run } = onBus({ vin_v: () => vin_v, vout_v: () => 5, shunt_v: () => 0 });
  run(0, 35_839);
  expect([word(C.read_vin), word(C.read_iout)]).toEqual([0, 0]);
  run(35_840, 35_840);
  expect([word(C.read_vin), word(C.read_iout)]).toEqual([974, 2048]);
  configure(ADM1272.pmon_config, 36_000);
  vin_v = 12;
  run(36_001, 36_425);
  expect([word(C.read_vin), word(C.read_vout)]).toEqual([974, 0]);
  run(36_426, 36_426);
  expect([word(C.read_vin), word(C.read_vout)]).toEqual([487, 203]); // 12 V and 5 V x 40.62
});

test("ADM1272: a reading is the mean over its conversion: of 24 V and 12 V, half of four samples each, 18 V (times of the ADM1276)", () => {
  let vin_v = 24;
  const { word, configure, run } = onBus({ vin_v: () => vin_v, vout_v: () => 0, shunt_v: () => 0 });
  // VI_AVG 010: four samples of 426 us.
  configure(ADM1272.pmon_config | (2 << 8), 0);
  run(1, 852);
  vin_v = 12;
  run(853, 1703);
  expect(word(C.read_vin)).toBe(0);
  run(1704, 1704);
  expect(word(C.read_vin)).toBe(731); // 18 V x 40.62 = 731.2
});
