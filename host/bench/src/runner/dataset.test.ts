import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DatasetError, loadDataset, preprocess, randomInput } from "./dataset.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-dataset-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inputs = join(folder, "x.bin");
const labels = join(folder, "x.csv");

test("transpose and scale: worked by hand", () => {
  const sample = { values: Float64Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] };
  expect(preprocess(sample, [{ transpose: [1, 0] }, { scale: 0.5 }])).toEqual({
    shape: [3, 2],
    values: Float64Array.of(0.5, 2, 1, 2.5, 1.5, 3),
  });
});

test("records and labels are read in their order; what does not fit is an error with file and line", () => {
  writeFileSync(inputs, Buffer.from(Int8Array.of(-1, 2, -128, 127).buffer));
  writeFileSync(labels, "name,class\na,7\nb,9\n");
  const dataset = {
    inputs: { file: inputs, dtype: "int8" as const, shape: [2] },
    labels: { file: labels, column: "class" },
    preprocess: [],
    metric: "top1" as const,
  };
  const { samples, labels: read } = loadDataset(dataset);
  expect(samples.map((sample) => [...sample.values])).toEqual([
    [-1, 2],
    [-128, 127],
  ]);
  expect(read).toEqual([7, 9]);
  expect(() => loadDataset({ ...dataset, inputs: { ...dataset.inputs, shape: [3] } })).toThrow(DatasetError);
  expect(() => loadDataset({ ...dataset, labels: { file: labels, column: "kind" } })).toThrow(/no column kind/);
  writeFileSync(labels, "name,class\na,7\nb,x\n");
  expect(() => loadDataset(dataset)).toThrow(/x\.csv:3/);
  writeFileSync(labels, "name,class\na,7\n");
  expect(() => loadDataset(dataset)).toThrow(/1 labels for 2 inputs/);
});

test("random input repeats with its seed", () => {
  expect(randomInput(50, 3)).toEqual(randomInput(50, 3));
  expect(randomInput(50, 3)).not.toEqual(randomInput(50, 4));
  expect(Math.max(...randomInput(1000, 3).map(Math.abs))).toBeLessThanOrEqual(1);
});
