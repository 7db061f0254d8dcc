import { type Analysis, UnknownOperatorError } from "../onnx/analyze.ts";
import { operatorName, uncounted } from "./operators.ts";
import { readTflite, type TfliteGraph, type TfliteTensor } from "./reader.ts";

/** TensorType of the schema: name and bits of an element. */
const types: Record<number, [name: string, bits: number]> = {
  0: ["float32", 32],
  1: ["float16", 16],
  2: ["int32", 32],
  3: ["uint8", 8],
  4: ["int64", 64],
  6: ["bool", 8],
  7: ["int16", 16],
  8: ["complex64", 64],
  9: ["int8", 8],
  10: ["float64", 64],
  12: ["uint64", 64],
  15: ["uint32", 32],
  16: ["uint16", 16],
  17: ["int4", 4],
  18: ["bfloat16", 16],
};

/** An open dimension, such as a batch, counts as 1. */
function elements(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * (dim < 0 ? 1 : dim), 1);
}

function bytes(tensor: TfliteTensor): number {
  return Math.ceil((elements(tensor.shape) * (types[tensor.type]?.[1] ?? 8)) / 8);
}

/** Multiply-accumulates of one operator of this name; weights are stored [out, ...] but for depthwise convolutions, [1, h, w, out]. */
export function macsOf(name: string, inputs: (TfliteTensor | undefined)[], output: TfliteTensor): number {
  const out = elements(output.shape);
  const weights = inputs[1]?.shape ?? [];
  if (name === "CONV_2D" || name === "FULLY_CONNECTED") return out * elements(weights.slice(1));
  if (name === "DEPTHWISE_CONV_2D") return out * elements(weights.slice(1, 3));
  // Each input value meets every weight of its channel.
  if (name === "TRANSPOSE_CONV") return elements(inputs[2]?.shape ?? []) * elements(weights.slice(0, 3));
  // Rows of the result times K are the elements of a matrix of the first input, transposed (adj_x) or not.
  if (name === "BATCH_MATMUL")
    return (out / Math.max(1, output.shape.at(-2) ?? 1)) * elements(inputs[0]?.shape.slice(-2) ?? []);
  return 0;
}

/** Inputs of an operator that hold parameters of a layer; scales, shapes and paddings are none. */
function parameterInputs(name: string): number[] {
  if (name === "CONV_2D" || name === "DEPTHWISE_CONV_2D" || name === "FULLY_CONNECTED") return [1, 2];
  if (name === "TRANSPOSE_CONV") return [1, 3];
  if (name === "PRELU") return [1];
  return ["ADD", "SUB", "MUL", "DIV", "BATCH_MATMUL"].includes(name) ? [0, 1] : [];
}

/** Analyses a TFLite model; throws `TfliteError` for damage, `UnknownOperatorError` where a count would be a guess. */
export function analyzeTflite(file: Uint8Array): Analysis {
  const graph = readTflite(file);
  const parameters = new Set<number>();
  const operators: Record<string, number> = {};
  let total = 0;
  let live = 0;
  for (const operator of graph.operators) {
    const name = operatorName(operator.code);
    if (uncounted.has(name) || name.startsWith("BUILTIN_"))
      throw new UnknownOperatorError(`operator ${operator.custom ?? name} is not known to the analyser`);
    operators[name] = (operators[name] ?? 0) + 1;
    const inputs = operator.inputs.map((i) => graph.tensors[i]);
    const [output] = operator.outputs.map((i) => graph.tensors[i]);
    if (output !== undefined) total += macsOf(name, inputs, output);
    const touched = new Set([...operator.inputs, ...operator.outputs]);
    live = Math.max(live, activations(graph, touched));
    for (const i of parameterInputs(name)) {
      const at = operator.inputs[i] ?? -1;
      if (graph.tensors[at]?.constant === true) parameters.add(at);
    }
  }
  const all = [...parameters].map((at) => graph.tensors[at] as TfliteTensor);
  return {
    macs: total,
    weights: all.reduce((sum, tensor) => sum + elements(tensor.shape), 0),
    parameters_bytes: all.reduce((sum, tensor) => sum + bytes(tensor), 0),
    largest_live_bytes: live,
    operators,
    inputs: graph.inputs.map((at) => summary(graph, at)),
    outputs: graph.outputs.map((at) => summary(graph, at)),
  };
}

/** Bytes of the activations among some tensors. */
function activations(graph: TfliteGraph, touched: ReadonlySet<number>): number {
  let sum = 0;
  for (const at of touched) {
    const tensor = graph.tensors[at];
    if (tensor !== undefined && !tensor.constant) sum += bytes(tensor);
  }
  return sum;
}

function summary(graph: TfliteGraph, at: number): Analysis["inputs"][0] {
  const tensor = graph.tensors[at];
  const dtype = types[tensor?.type ?? -1]?.[0] ?? `type-${tensor?.type}`;
  return { name: tensor?.name ?? "", dtype, shape: (tensor?.shape ?? []).map((dim) => (dim < 0 ? 1 : dim)) };
}
