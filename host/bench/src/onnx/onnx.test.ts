import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { sha256 } from "../results/record.ts";
import { analyzeModel, type GeneratedName, generatedModels, generateModel } from "./index.ts";

const repository =
  process.env["MODELS_REPO"] ?? fileURLToPath(new URL("../../../../../shared/data/models", import.meta.url));

/**
 * DS-CNN: stem 25 x 5 x 64 x 40 = 320,000; four blocks of 25 x 5 x 64 x 9 + 25 x 5 x 64 x 64 = 584,000; dense 768.
 * ResNet-8: 442,368; 2 x 2,359,296; 1,179,648 + 2,359,296 + 131,072 twice; dense 640.
 */
test.each([
  ["ds-cnn-kws", 2_656_768, 22_604],
  ["resnet8", 12_501_632, 77_706],
] as [GeneratedName, number, number][])(
  "%s: counted exactly, the same bytes each time, and it runs",
  async (name, macs, weights) => {
    const bytes = generateModel(name);
    expect(analyzeModel(bytes)).toMatchObject({ macs, weights, parameters_bytes: weights * 4 });
    expect(sha256(generateModel(name))).toBe(sha256(bytes));
    const { input, classes } = generatedModels[name];
    const session = await ort.InferenceSession.create(bytes);
    const data = Float32Array.from({ length: [...input].reduce<number>((a, b) => a * b, 1) }, (_, i) => Math.sin(i));
    const result = await session.run({ input: new ort.Tensor("float32", data, [...input]) });
    const output = [...(Object.values(result)[0] as { data: Float32Array }).data];
    expect(output).toHaveLength(classes);
    expect(output.every((value) => Number.isFinite(value))).toBe(true);
    expect(output.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  },
);

const present = existsSync(join(repository, "kws_ref_model.onnx"));
if (!present) console.warn(`skipped: no trained models in ${repository}; set MODELS_REPO`);

/** MACs and weights of the trained MLPerf Tiny networks, as published for their TFLite files. */
test.skipIf(!present).each([
  ["kws_ref_model.onnx", 2_656_768, 22_604],
  ["resnet.onnx", 12_501_632, 77_706],
  ["pretrainedResnet_float.onnx", 12_501_632, 77_706],
  ["mobilenet_v1.onnx", 7_489_664, 210_850],
  ["vww_96_float.onnx", 7_489_664, 210_850],
  ["deep_autoencoder.onnx", 264_192, 265_864],
])("%s: %i MACs, %i weights", (file, macs, weights) => {
  expect(analyzeModel(readFileSync(join(repository, file)))).toMatchObject({ macs, weights });
});

test("what is no model, or only the beginning of one, is said to be that", () => {
  const whole = generateModel("ds-cnn-kws");
  for (const bytes of [new Uint8Array([0x78]), whole.subarray(0, whole.length / 2)])
    expect(() => analyzeModel(bytes)).toThrow(/^the file is not an ONNX model, or is cut short: /);
  expect(() => analyzeModel(new Uint8Array())).toThrow("the file is not an ONNX model: it has no graph");
});
