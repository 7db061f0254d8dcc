import { expect, test } from "vitest";
import { DatasetError } from "./dataset.ts";
import { fromBits, half, shortened, toBits } from "./small-floats.ts";
import { toNumbers, toRaw } from "./tensor-numbers.ts";

test("whole numbers are rounded and clamped, and what is no number is 0", () => {
  expect([...toRaw([1.4, 1.6, 300, -300], "INT8")]).toEqual([1, 2, 127, 128]);
  expect([...toRaw([-1, 256], "UINT8")]).toEqual([0, 255]);
  const cases: [string, number[], number[]][] = [
    ["INT16", [-40_000, 1.5, 40_000], [-32_768, 2, 32_767]],
    ["UINT16", [-1, 70_000], [0, 65_535]],
    ["INT32", [-3e9, 3e9], [-(2 ** 31), 2 ** 31 - 1]],
    ["UINT32", [-1, 3e9, 5e9], [0, 3e9, 2 ** 32 - 1]],
    ["INT64", [-1e30, -1.4, 2 ** 52, 1e30], [-(2 ** 63), -1, 2 ** 52, 2 ** 63]],
    ["UINT64", [-5, 2 ** 63, Number.POSITIVE_INFINITY], [0, 2 ** 63, 2 ** 64]],
    ["BOOL", [0, 0.25, -3], [0, 1, 1]],
  ];
  for (const [datatype, given, wanted] of cases) {
    const raw = toRaw([...given, Number.NaN], datatype === "BOOL" ? "UINT8" : datatype);
    expect([datatype, [...(toNumbers(datatype, toRaw(given, datatype)) ?? [])]]).toEqual([datatype, wanted]);
    if (datatype !== "BOOL") expect(toNumbers(datatype, raw)?.at(-1)).toBe(0);
  }
  // The largest value of 64 bits, not the bits of a number beyond it.
  expect([...toRaw([1e30], "INT64")]).toEqual([255, 255, 255, 255, 255, 255, 255, 127]);
});

test("floats of 64, 32 and 16 bits come back as near as they can be", () => {
  const values = [0.1, -2.5, 65_504];
  expect(toNumbers("FP64", toRaw(values, "FP64"))).toEqual(Float64Array.from(values));
  expect(toNumbers("FP32", toRaw(values, "FP32"))).toEqual(Float64Array.from(values, Math.fround));
  const part = Buffer.concat([Buffer.alloc(3), toRaw(values, "FP32"), Buffer.alloc(5)]).subarray(3, 15);
  expect(toNumbers("FP32", part)).toEqual(Float64Array.from(values, Math.fround));
  expect([...toRaw([1, -2, 0.1], "FP16")]).toEqual([0x00, 0x3c, 0x00, 0xc0, 0x66, 0x2e]);
  expect(toNumbers("FP16", Uint8Array.of(0x66, 0x2e))).toEqual(Float64Array.of(0.0999755859375));
  expect([...toRaw([1, -2], "BF16")]).toEqual([0x80, 0x3f, 0x00, 0xc0]);
  expect(toNumbers("BF16", Uint8Array.of(0x80, 0x3f))).toEqual(Float64Array.of(1));
});

test("every value of 16 bits is itself again, and halfway goes to the even one, up to infinity and down to 0", () => {
  const upper = new DataView(new ArrayBuffer(4));
  for (let bits = 0; bits < 65_536; bits += 1) {
    for (const form of [half, shortened]) {
      const value = fromBits(bits, form);
      const back = toBits(value, form);
      if (!(Number.isNaN(value) ? Number.isNaN(fromBits(back, form)) : back === bits))
        throw new Error(`${bits.toString(16)} became ${back.toString(16)}`);
    }
    upper.setUint32(0, bits * 65_536);
    expect(fromBits(bits, shortened)).toBe(upper.getFloat32(0));
  }
  const cases: [number, number][] = [
    [65_504, 0x7bff],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.001, 0x0001],
    [2 ** -14 - 2 ** -25, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [-0, 0x8000],
  ];
  for (const [value, bits] of cases) expect([value, toBits(value, half)]).toEqual([value, bits]);
});

test("text is the decimal number behind its length, has no numbers itself, and other datatypes are refused", () => {
  expect(Buffer.from(toRaw([1, -0.5], "BYTES")).toString("latin1")).toBe("\x01\0\0\x001\x04\0\0\0-0.5");
  expect(toNumbers("BYTES", toRaw([1], "BYTES"))).toBeUndefined();
  expect(() => toRaw([1], "INT4")).toThrow(DatasetError);
});
