import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { loadDataset, randomInput } from "../runner/dataset.ts";
import { generateModel } from "./generate.ts";
import { quantizeStatic, rangesModel, recalibrate } from "./quantize-static.ts";
import { decodeModel } from "./schema.ts";

type Run = (values: Float64Array) => Promise<Float32Array>;

async function open(bytes: Uint8Array, shape: number[]): Promise<Run> {
  const session = await InferenceSession.create(bytes);
  return async (values) => {
    const input = new Tensor("float32", Float32Array.from(values), shape);
    const outputs = await session.run({ [session.inputNames[0] as string]: input });
    return outputs[session.outputNames[0] as string]?.data as Float32Array;
  };
}

/** Smallest and largest of every value over some inputs. */
async function ranges(bytes: Uint8Array, shape: number[], inputs: Float64Array[]): Promise<number[]> {
  const run = await open(rangesModel(bytes), shape);
  let seen: number[] = [];
  for (const input of inputs) {
    const next = [...(await run(input))];
    seen = next.map((value, i) => (i % 2 === 0 ? Math.min : Math.max)(value, seen[i] ?? value));
  }
  return seen;
}

test.each([
  ["ds-cnn-kws", [1, 1, 49, 10]],
  ["resnet8", [1, 3, 32, 32]],
] as const)(
  "%s: integers with the ranges that were seen are near its float answer, and with wrong ones are not",
  async (name, dims) => {
    const shape: number[] = [...dims];
    const size = shape.reduce((a, b) => a * b, 1);
    const inputs = Array.from({ length: 8 }, (_, seed) => randomInput(size, seed + 1));
    const bytes = generateModel(name);
    const quantized = quantizeStatic(bytes);
    expect(quantized.kept).toEqual([]);
    expect(quantized.bytes.length).toBeLessThan(bytes.length * 0.4);
    const seen = await ranges(quantized.bytes, shape, inputs);
    const [real, good, bad] = await Promise.all(
      [
        bytes,
        recalibrate(quantized.bytes, seen),
        recalibrate(
          quantized.bytes,
          seen.map((value) => value / 20),
        ),
      ].map((model) => open(model, shape)),
    );
    const distance = async (run: Run, input: Float64Array): Promise<number> => {
      const [want, got] = [await (real as Run)(input), await run(input)];
      return Math.max(...want.map((value, i) => Math.abs(value - (got[i] as number))));
    };
    for (const input of inputs) {
      const near = await distance(good as Run, input);
      expect(near).toBeGreaterThan(0);
      expect(near).toBeLessThan(0.05);
      expect(await distance(bad as Run, input)).toBeGreaterThan(near * 2);
    }
  },
);

test("every value between rewritten nodes is quantised once, and a bound stays inside its step", () => {
  const quantized = quantizeStatic(generateModel("resnet8"));
  const values =
    decodeModel(rangesModel(quantized.bytes)).graph.output[0]?.type.tensor_type.shape?.dim[0]?.dim_value ?? 0;
  const { graph } = decodeModel(recalibrate(quantized.bytes, new Array(values).fill(1)));
  const made = graph.node.flatMap((node) => node.output);
  expect(new Set(made).size).toBe(made.length);
  const known = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const node of graph.node) {
    for (const name of node.input)
      expect([node.name, name, name === "" || known.has(name)]).toEqual([node.name, name, true]);
    for (const name of node.output) known.add(name);
  }
  for (const { name } of graph.output) expect(known.has(name)).toBe(true);
  expect(graph.node.filter((node) => node.op_type === "QuantizeLinear").length).toBe(values / 2);
});

const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../../shared/data", import.meta.url));
const model = join(process.env["MODELS_REPO"] ?? join(data, "models"), "alibaba_open_kws.onnx");
const there = existsSync(model) && existsSync(join(data, "kws/kws01-inputs.bin"));

test.skipIf(!there)(
  "a trained float keyword model keeps its right answers within two of two hundred (needs MLTB_DATASET, MODELS_REPO)",
  async () => {
    const { samples, labels } = loadDataset({
      inputs: { file: join(data, "kws/kws01-inputs.bin"), dtype: "int8", shape: [10, 49] },
      labels: { file: join(data, "kws/kws01-inputs.csv"), column: "class" },
      preprocess: [{ transpose: [1, 0] }, { scale: 0.33674246 }],
      metric: "top1",
    });
    const shape = [1, 49, 10, 1];
    const inputs = samples.map((sample) => Float64Array.from(sample.values));
    const quantized = quantizeStatic(readFileSync(model)).bytes;
    const seen = await ranges(quantized, shape, inputs.slice(0, 32));
    const run = await open(recalibrate(quantized, seen), shape);
    let right = 0;
    for (const [i, input] of inputs.entries()) {
      const scores = await run(input);
      if (scores.indexOf(Math.max(...scores)) === labels[i]) right += 1;
    }
    expect(right).toBeGreaterThanOrEqual(180);
  },
);
