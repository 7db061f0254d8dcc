import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { analyzeModel } from "./analyze.ts";
import { make } from "./quantize.ts";
import { quantizeDynamic } from "./quantize-dynamic.ts";
import { quantizeStatic } from "./quantize-static.ts";
import { Attr, Elem, encodeModel, type Graph, type Node, type TensorProto, type ValueInfo } from "./schema.ts";

const BOOL = 9;

const value = (name: string, elem_type: number, dims: number[]): ValueInfo => ({
  name,
  type: { tensor_type: { elem_type, shape: { dim: dims.map((dim_value) => ({ dim_value })) } } },
});
const numbers = (name: string, dims: number[], values: number[]): TensorProto => ({
  ...{ name, dims, data_type: Elem.float32 },
  raw_data: new Uint8Array(Float32Array.from(values).buffer),
});
const graph = (name: string, node: Node[], more: Partial<Graph>): Graph => ({
  ...{ name, node, initializer: [], input: [], output: [] },
  ...more,
});
const modelOf = (of: Graph): Uint8Array =>
  encodeModel({
    ...{ ir_version: 8, producer_name: "test", producer_version: "1", graph: of },
    opset_import: [{ domain: "", version: 13 }],
  });

/** y = x w s + c: the sum in a branch of an If, the scale under the name that a quantised x would have. */
function branched(): Uint8Array {
  const row = (name: string): ValueInfo => value(name, Elem.float32, [1, 2]);
  const then = graph("then", [make("Add", "sum", ["m", "c"], ["t"])], { output: [row("t")] });
  const otherwise = graph("else", [make("Identity", "same", ["m"], ["e"])], { output: [row("e")] });
  const branches = [
    { name: "then_branch", type: Attr.graph, g: then },
    { name: "else_branch", type: Attr.graph, g: otherwise },
  ];
  return modelOf(
    graph(
      "g",
      [
        make("MatMul", "product", ["x", "w"], ["h"]),
        make("Mul", "scaled", ["h", "x_scale"], ["m"]),
        make("If", "choice", ["yes"], ["y"], branches),
      ],
      {
        input: [row("x")],
        output: [row("y")],
        initializer: [
          numbers("w", [2, 2], [1, 0.5, -1, 0.25]),
          numbers("x_scale", [1], [3]),
          numbers("c", [1, 2], [10, 20]),
          { name: "yes", dims: [], data_type: BOOL, raw_data: Uint8Array.of(1) },
        ],
      },
    ),
  );
}

async function run(bytes: Uint8Array): Promise<number[]> {
  const session = await InferenceSession.create(bytes);
  const outputs = await session.run({ x: new Tensor("float32", Float32Array.of(2, 1), [1, 2]) });
  return [...((outputs["y"] as Tensor).data as Float32Array)];
}

test.each([
  ["dynamic", quantizeDynamic],
  ["static", quantizeStatic],
])("%s quantisation keeps weights that only a branch takes, and gives no name twice", async (_how, quantize) => {
  // x w = (1, 1.25); times 3, plus (10, 20).
  expect(await run(branched())).toEqual([13, 23.75]);
  const quantized = quantize(branched());
  expect(quantized.rewritten).toEqual({ MatMul: 1 });
  const [a, b] = (await run(quantized.bytes)) as [number, number];
  expect(Math.abs(a - 13)).toBeLessThan(0.1);
  expect(Math.abs(b - 23.75)).toBeLessThan(0.1);
});

test("behind a Cast values are counted in the element type that it makes", () => {
  const picture = [1, 3, 8, 8];
  const cast = make("Cast", "real", ["p"], ["f"], [{ name: "to", type: Attr.int, i: Elem.float32 }]);
  const model = modelOf(
    graph("g", [cast, make("Relu", "bound", ["f"], ["y"])], {
      input: [value("p", Elem.uint8, picture)],
      output: [value("y", Elem.float32, picture)],
    }),
  );
  // Relu: 192 values of 4 bytes in and as many out.
  expect(analyzeModel(model).largest_live_bytes).toBe(2 * 192 * 4);
});
