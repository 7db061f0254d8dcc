import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Experiment, Picture } from "../configurator/types.ts";
import { inputSets, loadInputs } from "./inputs.ts";
import { toNumbers } from "./tensor-numbers.ts";

const file = fileURLToPath(new URL("../../../../examples/seed/data/images/mug.jpg", import.meta.url));
const base = { file, scaling: "NONE", shape: [3, 4, 4], dformat: "FORMAT_NCHW" } as const;

async function sets(dtype: Picture["dtype"], datatype: string): Promise<Uint8Array[][]> {
  const { samples } = await loadInputs({ picture: { ...base, shape: [3, 4, 4], dtype } } as unknown as Experiment);
  return inputSets([{ name: "x", datatype, shape: [1, 3, 4, 4] }], samples, 1);
}

test.each([
  ["FP32", 4],
  ["INT8", 1],
  ["UINT8", 1],
] as const)("a picture of dtype %s feeds a model that takes it", async (dtype, bytes) => {
  expect((await sets(dtype, dtype)).map((set) => set.map((raw) => raw.length))).toEqual([[48 * bytes]]);
});

test("a picture whose dtype is not the model's is refused with both, and what to write", async () => {
  await expect(sets("INT8", "FP32")).rejects.toThrow(
    "the model's input x is FP32, the application's dtype is INT8: write dtype: FP32, or take a model of that type",
  );
  await expect(sets("FP32", "UINT8")).rejects.toThrow("input x is UINT8, the application's dtype is FP32");
});

test("random inputs are numbers around 0, or 0 and 1 where a model counts, and repeat with their seed", () => {
  const numbers = (datatype: string, seed = 1): number[] => {
    const [[raw] = []] = inputSets([{ name: "x", datatype, shape: [64] }], undefined, seed);
    return [...(toNumbers(datatype, raw as Uint8Array) ?? [])];
  };
  for (const datatype of ["BOOL", "INT32", "INT64", "UINT16", "UINT32", "UINT64"])
    expect([datatype, [...new Set(numbers(datatype))].sort()]).toEqual([datatype, [0, 1]]);
  for (const datatype of ["FP16", "BF16", "FP32", "FP64"]) {
    const values = numbers(datatype);
    expect(new Set(values).size).toBeGreaterThan(40);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(numbers(datatype)).toEqual(values);
    expect(numbers(datatype, 2)).not.toEqual(values);
  }
  const [[text] = []] = inputSets([{ name: "x", datatype: "BYTES", shape: [64] }], undefined, 1);
  // Each is one character behind its length.
  const characters = (text as Uint8Array).filter((_, i) => i % 5 === 4);
  expect(Buffer.from(characters).toString()).toMatch(/^[01]{64}$/);
});
