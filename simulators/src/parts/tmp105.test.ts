import { TMP105 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createI2cBus } from "./i2c.ts";
import { createTmp105 } from "./tmp105.ts";

const ADDRESS = 0x48;
/** Address and pointer are on the wire, and the address again, before the temperature is latched: 3 x 90 us. */
const WIRE_US = 270;

function onBus(mdeg: () => number) {
  const bus = createI2cBus(100_000);
  bus.parts.set(ADDRESS, createTmp105(mdeg));
  const at = (us: number): number => us - WIRE_US;
  return {
    read: (register: number, us: number): number[] => [
      ...(bus.transfer(ADDRESS, Uint8Array.of(register), 2, at(us)) ?? []),
    ],
    configure: (value: number, us: number) =>
      bus.transfer(ADDRESS, Uint8Array.of(TMP105.configuration, value), 0, at(us)),
  };
}

test("TMP105: reset values (SLLS648D, register descriptions): 0 degrees, nine bits, limits of 75 and 80 degrees", () => {
  const { read } = onBus(() => 37_250);
  expect(read(0, 0)).toEqual([0, 0]);
  expect(read(1, 0)[0]).toBe(0);
  expect(read(2, 0)).toEqual([75, 0]);
  expect(read(3, 0)).toEqual([80, 0]);
});

test("TMP105: a conversion of nine bits takes 27.5 ms, one of twelve 220 ms; codes are 1/16 degree in the upper bits", () => {
  let mdeg = 37_250;
  const { read, configure } = onBus(() => mdeg);
  expect(read(0, 27_400)).toEqual([0, 0]);
  // Nine bits are half degrees, rounded down: 37.0.
  expect(read(0, 27_600)).toEqual([37, 0]);
  configure(TMP105.configuration_12_bits, 30_000);
  expect(read(0, 249_000)).toEqual([37, 0]);
  // 37.25 x 16 = 596 = 0x254.
  expect(read(0, 251_000)).toEqual([0x25, 0x40]);
  mdeg = -12_500;
  // -12.5 x 16 = -200 = 0xf38 in twelve bits.
  expect(read(0, 480_000)).toEqual([0xf3, 0x80]);
  mdeg = -25;
  // -0.025 x 16 = -0.4, rounded down to -1 = 0xfff.
  expect(read(0, 710_000)).toEqual([0xff, 0xf0]);
});

test("TMP105: saturates at 127.9375 and -55 degrees (table of the data format)", () => {
  let mdeg = 200_000;
  const { read, configure } = onBus(() => mdeg);
  configure(TMP105.configuration_12_bits, 0);
  expect(read(0, 300_000)).toEqual([0x7f, 0xf0]);
  mdeg = -80_000;
  expect(read(0, 600_000)).toEqual([0xc9, 0x00]);
});

test("TMP105: shut down it keeps its last value, and converts once when it is asked to", () => {
  let mdeg = 20_000;
  const { read, configure } = onBus(() => mdeg);
  expect(read(0, 30_000)).toEqual([20, 0]);
  configure(0x01, 31_000);
  expect(read(0, 70_000)).toEqual([20, 0]);
  mdeg = 50_000;
  expect(read(0, 500_000)).toEqual([20, 0]);
  configure(0x81, 600_000);
  expect(read(1, 600_100)[0]).toBe(0x01);
  expect(read(0, 628_000)).toEqual([50, 0]);
  mdeg = 60_000;
  expect(read(0, 900_000)).toEqual([50, 0]);
});
