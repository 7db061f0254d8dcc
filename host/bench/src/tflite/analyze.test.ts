import { expect, test } from "vitest";
import { macsOf } from "./analyze.ts";

const tensor = (shape: number[]) => ({ name: "t", type: 0, shape, constant: false });

test.each([
  ["as it is", [2, 3, 4]],
  ["transposed (adj_x)", [2, 4, 3]],
])("a batched matrix product costs the same whether its first input is stored %s", (_how, first) => {
  // Two products of 3 x 4 with 4 x 5.
  expect(macsOf("BATCH_MATMUL", [tensor(first), tensor([2, 4, 5])], tensor([2, 3, 5]))).toBe(2 * 3 * 4 * 5);
});
