import { existsSync, readdirSync, readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { expand } from "../configurator/variables.ts";
import { randomInput } from "../runner/dataset.ts";
import { generateModel } from "./generate.ts";
import { quantizeDynamic } from "./quantize-dynamic.ts";
import { decodeModel, encodeModel } from "./schema.ts";

async function run(bytes: Uint8Array, shape: number[], values: Float64Array): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes);
  const input = new Tensor("float32", Float32Array.from(values), shape);
  const outputs = await session.run({ [session.inputNames[0] as string]: input });
  return outputs[session.outputNames[0] as string]?.data as Float32Array;
}

test.each([
  ["ds-cnn-kws", [1, 1, 49, 10]],
  ["resnet8", [1, 3, 32, 32]],
] as const)(
  "%s runs with 8-bit weights in ONNX Runtime, a quarter of the size, near its float answer",
  async (name, shape) => {
    const bytes = generateModel(name);
    const quantized = quantizeDynamic(bytes);
    expect(quantized.kept).toEqual([]);
    expect(quantized.rewritten["Gemm"]).toBe(1);
    expect(quantized.bytes.length).toBeLessThan(bytes.length * 0.4);
    const values = randomInput(
      shape.reduce<number>((a, b) => a * b, 1),
      3,
    );
    const [want, got] = [await run(bytes, [...shape], values), await run(quantized.bytes, [...shape], values)];
    const worst = Math.max(...want.map((value, i) => Math.abs(value - (got[i] as number))));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(0.05);
  },
);

test("what cannot be quantised stays, with its reason; an old opset is refused", () => {
  const model = decodeModel(generateModel("resnet8"));
  const gemm = model.graph.node.find((node) => node.op_type === "Gemm");
  gemm?.attribute.push({ name: "alpha", type: 1, f: 0.5 });
  const quantized = quantizeDynamic(encodeModel(model));
  expect(quantized.kept).toEqual([{ node: gemm?.name, reason: "alpha, beta or transA is not the default" }]);
  for (const entry of model.opset_import) entry.version = 9;
  expect(() => quantizeDynamic(encodeModel(model))).toThrow("opset 9");
});

const folder = expand("$MODELS_REPO", ".", process.env).path;
const there = existsSync(folder);

test.skipIf(!there)(
  "published models come back from decoding and encoding with the same meaning (needs MODELS_REPO)",
  async () => {
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith(".onnx"))) {
      const bytes = readFileSync(`${folder}/${file}`);
      const again = encodeModel(decodeModel(bytes));
      const [a, b] = [await InferenceSession.create(bytes), await InferenceSession.create(again)];
      expect([file, b.inputNames, b.outputNames]).toEqual([file, a.inputNames, a.outputNames]);
    }
  },
);
