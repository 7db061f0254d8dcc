import { attribute } from "./quantize.ts";
import { decodeModel, Elem, type Model, type Node, type ValueInfo } from "./schema.ts";
import {
  constantNumbers,
  foldedNumbers,
  int,
  type Known,
  outputShape,
  product,
  UnknownOperatorError,
} from "./shapes.ts";

export { UnknownOperatorError } from "./shapes.ts";

export interface TensorSummary {
  name: string;
  dtype: string;
  shape: number[];
}

/** What can be told of a model without running it. */
export interface Analysis {
  /** Multiply-accumulates of convolutions and matrix products for one inference (batch 1); bias additions not counted. */
  macs: number;
  /** Parameters of the layers: weights and biases, not scales, zero points or shapes. */
  weights: number;
  parameters_bytes: number;
  /** Largest sum of the activations that go into and come out of one operator. */
  largest_live_bytes: number;
  operators: Record<string, number>;
  inputs: TensorSummary[];
  outputs: TensorSummary[];
}

const names: Record<number, string> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
};
const sizes: Record<number, number> = { 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8 };

/** `follows`: the shape that comes of the operators, for a value of which the file does not tell it. */
function summary(value: ValueInfo, follows?: number[]): TensorSummary {
  const tensor = (value.type as Partial<ValueInfo["type"]> | undefined)?.tensor_type;
  // An open dimension, such as a symbolic batch, counts as 1.
  const told = tensor?.shape?.dim.map(({ dim_value: size }) => (size !== undefined && size > 0 ? size : 1));
  const shape = told ?? follows;
  if (tensor === undefined || shape === undefined)
    throw new UnknownOperatorError(`${value.name} is no tensor whose axes the file tells`);
  return { name: value.name, dtype: names[tensor.elem_type] ?? `type-${tensor.elem_type}`, shape };
}

interface Value extends Known {
  elem: number;
  /** The constant that it was made of. */
  source?: string | undefined;
}

/** An input that a node leaves out. */
const omitted: Value = { shape: [], elem: 0, omitted: true };

/** Multiply-accumulates of one node. */
function macsOf(node: Node, inputs: Known[], output: number[]): number {
  if (node.op_type === "Conv") {
    const kernel = (inputs[1] as Known).shape;
    return product(output) * product(kernel.slice(1));
  }
  if (node.op_type === "Gemm") {
    const a = (inputs[0] as Known).shape;
    if (a.length !== 2) throw new UnknownOperatorError(`operator Gemm ${node.name}: its input [${a}] is no matrix`);
    return product(output) * (a[int(node, "transA", 0) === 1 ? 0 : 1] as number);
  }
  if (node.op_type === "MatMul") return product(output) * ((inputs[0] as Known).shape.at(-1) as number);
  return 0;
}

/** Inputs of a node that hold parameters of a layer. */
function parameterInputs(node: Node): number[] {
  if (node.op_type === "Conv" || node.op_type === "Gemm") return [1, 2];
  if (node.op_type === "BatchNormalization") return [1, 2, 3, 4];
  return node.op_type === "MatMul" || node.op_type === "Add" || node.op_type === "Mul" ? [0, 1] : [];
}

/** Analyses an ONNX model; throws `UnknownOperatorError` where a count would be a guess. */
export function analyzeModel(bytes: Uint8Array): Analysis {
  return analyze(decodeModel(bytes));
}

function analyze(model: Model): Analysis {
  const { graph } = model;
  const known = new Map<string, Value>();
  for (const tensor of graph.initializer) {
    const numbers = constantNumbers(tensor);
    known.set(tensor.name, {
      shape: tensor.dims,
      numbers,
      constant: true,
      elem: tensor.data_type,
      source: tensor.name,
    });
  }
  const inputs = graph.input.filter((value) => !known.has(value.name));
  for (const value of inputs)
    known.set(value.name, { shape: summary(value).shape, elem: value.type.tensor_type.elem_type });

  const parameters = new Map<string, { count: number; bytes: number }>();
  const operators: Record<string, number> = {};
  let macs = 0;
  let live = 0;
  for (const node of graph.node) {
    operators[node.op_type] = (operators[node.op_type] ?? 0) + 1;
    if (node.op_type === "Constant") {
      const tensor = node.attribute.find((entry) => entry.name === "value")?.t;
      if (tensor === undefined)
        throw new UnknownOperatorError("Constant without a tensor is not known to the analyser");
      const name = node.output[0] as string;
      known.set(name, {
        shape: tensor.dims,
        numbers: constantNumbers(tensor),
        constant: true,
        elem: tensor.data_type,
        source: name,
      });
      continue;
    }
    const values = node.input.map((name) => inputOf(node, name, known));
    const shape = outputShape(node, values);
    const constant = values.length > 0 && values.every((value) => value.constant === true || value.elem === 0);
    const first = values[0];
    const elem = elementOf(node, first?.elem ?? Elem.float32, known);
    const numbers = constant ? foldedNumbers(node, values) : undefined;
    for (const name of node.output)
      known.set(name, { shape, elem, constant, numbers, source: constant ? first?.source : undefined });
    if (constant) continue;
    macs += macsOf(node, values, shape);
    // One that goes in twice is there once.
    const activations = [...new Set(values)].filter((value) => value.constant !== true && value.elem !== 0);
    const size = (value: { shape: number[]; elem: number }): number => product(value.shape) * (sizes[value.elem] ?? 4);
    live = Math.max(live, activations.reduce((sum, value) => sum + size(value), 0) + size({ shape, elem }));
    for (const i of parameterInputs(node)) {
      const value = values[i];
      if (value?.constant !== true || value.source === undefined) continue;
      const stored = known.get(value.source);
      parameters.set(value.source, {
        count: product(value.shape),
        bytes: product(value.shape) * (sizes[stored?.elem ?? 1] ?? 4),
      });
    }
  }
  const all = [...parameters.values()];
  return {
    macs,
    weights: all.reduce((sum, entry) => sum + entry.count, 0),
    parameters_bytes: all.reduce((sum, entry) => sum + entry.bytes, 0),
    largest_live_bytes: live,
    operators,
    inputs: inputs.map((value) => summary(value)),
    outputs: graph.output.map((value) => summary(value, known.get(value.name)?.shape)),
  };
}

/** An input of a node; throws for one that nothing before the node makes. */
function inputOf(node: Node, name: string, known: Map<string, Value>): Value {
  if (name === "") return omitted;
  const value = known.get(name);
  if (value !== undefined) return value;
  throw new UnknownOperatorError(`operator ${node.op_type} ${node.name}: nothing before it makes its input ${name}`);
}

function elementOf(node: Node, input: number, known: Map<string, { elem: number }>): number {
  if (node.op_type === "DequantizeLinear") return Elem.float32;
  if (node.op_type === "Cast") return attribute(node, "to", Elem.float32);
  if (node.op_type === "QuantizeLinear") return known.get(node.input[2] ?? "")?.elem ?? Elem.uint8;
  return input;
}
