import { expect, test } from "vitest";
import { generateModel, quantizeStatic, rangesModel, recalibrate } from "../onnx/index.ts";
import { decodeModel } from "../onnx/schema.ts";
import type { AgentApi } from "./agent-client.ts";
import { optimizeModel, recalibrateModel } from "./optimize-model.ts";
import { ReferenceModels } from "./reference.ts";

/** A reference runtime that saw these ranges, one after the other. */
function seeing(...ranges: number[][]): { models: ReferenceModels; deployed: Uint8Array[] } {
  const deployed: Uint8Array[] = [];
  const agent = {
    deploy: async (_name: string, _hash: string, bytes: Uint8Array) => void deployed.push(bytes),
    inputs: async () => [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }],
    infer: async () => Float64Array.from(ranges.shift() ?? []),
  };
  return { models: new ReferenceModels(async () => agent as unknown as AgentApi), deployed };
}

const source = generateModel("ds-cnn-kws");
const { bytes } = optimizeModel("m", source, [{ otype: "quantization", options: ["static", "int8"] }], () => undefined);

test("ranges are the smallest and largest of all inputs, which the step names", async () => {
  expect(bytes).toEqual(quantizeStatic(source).bytes);
  const values = decodeModel(rangesModel(bytes)).graph.output[0]?.type.tensor_type.shape?.dim[0]?.dim_value ?? 0;
  const all = (low: number, high: number): number[] =>
    Array.from({ length: values }, (_, i) => (i % 2 === 0 ? low : high));
  const reference = seeing(all(-1, 2), all(-3, 1));
  const given = { samples: undefined, labels: undefined };
  const done = await recalibrateModel("m", bytes, { reference: reference.models, given, samples: 2, seed: 1 });
  expect(reference.deployed).toEqual([rangesModel(bytes)]);
  expect(done.bytes).toEqual(recalibrate(bytes, all(-3, 2)));
  expect(() => recalibrate(bytes, [1, 2])).toThrow("ranges of finite numbers are wanted");
  expect(done.step).toBe("recalibrated over 2 random inputs");
});

test("without a runtime on the host it is refused, and so is a model without weights to quantise", async () => {
  const on = { reference: undefined, given: { samples: undefined, labels: undefined }, samples: 2, seed: 1 };
  await expect(recalibrateModel("m", bytes, on)).rejects.toThrow("needs ONNX Runtime on the host");
  const twice = [{ otype: "quantization" as const, options: ["static" as const, "int8" as const] }];
  expect(() => optimizeModel("m", bytes, twice, () => undefined)).toThrow(
    "no operator can be quantised (quantization static int8)",
  );
});
