import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Experiment, Picture } from "../configurator/types.ts";
import { inputSets, loadInputs } from "./inputs.ts";

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
