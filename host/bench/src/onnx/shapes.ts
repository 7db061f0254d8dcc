import { type Attribute, Elem, type Node, type TensorProto } from "./schema.ts";

export type Shape = number[];

/** What is known of a value: its shape, and its numbers where it is a small constant (such as a Reshape's target). */
export interface Known {
  shape: Shape;
  numbers?: number[];
  constant?: boolean;
  /** An input that the node leaves out. */
  omitted?: boolean;
}

/** An operator that the analyser has no rule for; counts would be wrong, so there are none. */
export class UnknownOperatorError extends Error {}

export function int(node: Node, name: string, fallback: number): number {
  return attribute(node, name)?.i ?? fallback;
}

function ints(node: Node, name: string): number[] | undefined {
  const found = attribute(node, name)?.ints;
  return found === undefined || found.length === 0 ? undefined : found;
}

function attribute(node: Node, name: string): Attribute | undefined {
  return node.attribute.find((entry) => entry.name === name);
}

export const product = (values: number[]): number => values.reduce((a, b) => a * b, 1);

/** All numbers of an integer constant; undefined for others, and where they lie outside the file. */
export function constantNumbers(tensor: TensorProto): number[] | undefined {
  const numbers = integers(tensor);
  return numbers?.length === product(tensor.dims) ? numbers : undefined;
}

function integers(tensor: TensorProto): number[] | undefined {
  if (tensor.data_type === Elem.int64) {
    if (tensor.int64_data !== undefined && tensor.int64_data.length > 0) return tensor.int64_data;
    const raw = Buffer.from(tensor.raw_data ?? []);
    return Array.from({ length: raw.length / 8 }, (_, i) => Number(raw.readBigInt64LE(i * 8)));
  }
  if (tensor.data_type === Elem.int32) {
    if (tensor.int32_data !== undefined && tensor.int32_data.length > 0) return tensor.int32_data;
    const raw = Buffer.from(tensor.raw_data ?? []);
    return Array.from({ length: raw.length / 4 }, (_, i) => raw.readInt32LE(i * 4));
  }
  return undefined;
}

/** Output size of a convolution or pool along one axis (ONNX operator specification, Conv and AveragePool). */
function windowed(node: Node, input: Shape, kernel: number[], channels: number): Shape {
  const spatial = input.slice(2);
  const strides = ints(node, "strides") ?? spatial.map(() => 1);
  const dilations = ints(node, "dilations") ?? spatial.map(() => 1);
  const auto = Buffer.from(attribute(node, "auto_pad")?.s ?? []).toString();
  const pads = ints(node, "pads") ?? spatial.flatMap(() => [0, 0]);
  const out = spatial.map((size, i) => {
    const stride = strides[i] as number;
    if (auto.startsWith("SAME")) return Math.ceil(size / stride);
    const reach = ((kernel[i] as number) - 1) * (dilations[i] as number) + 1;
    const padded = auto === "VALID" ? size : size + (pads[i] as number) + (pads[i + spatial.length] as number);
    const steps = (padded - reach) / stride;
    return (int(node, "ceil_mode", 0) === 1 ? Math.ceil(steps) : Math.floor(steps)) + 1;
  });
  return [input[0] as number, channels, ...out];
}

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, i: number): number => shape[i - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => Math.max(at(a, i), at(b, i)));
}

/** Numbers of what a node makes of constants alone; undefined where they are not known, so that nobody counts with others. */
export function foldedNumbers(node: Node, inputs: Known[]): number[] | undefined {
  const [first] = inputs;
  if (["Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten"].includes(node.op_type)) return first?.numbers;
  if (node.op_type === "Cast") {
    const to = int(node, "to", Elem.float32);
    return to === Elem.int64 || to === Elem.int32 ? first?.numbers : undefined;
  }
  if (node.op_type !== "Concat") return undefined;
  const lists = inputs.map(({ shape, numbers }) => (shape.length === 1 ? numbers : undefined));
  return lists.every((list) => list !== undefined) ? lists.flat() : undefined;
}

/** What decides a shape; throws where the file does not tell it. */
function told(node: Node, numbers: number[] | undefined, what: string): number[] {
  if (numbers !== undefined) return numbers;
  throw new UnknownOperatorError(
    `operator ${node.op_type} ${node.name}: no constant that the analyser knows tells its ${what}`,
  );
}

function reshape(node: Node, input: Shape, target: number[]): Shape {
  const copies = int(node, "allowzero", 0) === 0;
  const shape = target.map((dim, i) => (dim === 0 && copies ? (input[i] as number) : dim));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = product(input) / product(shape.filter((dim) => dim !== -1));
  return shape;
}

type Rule = (node: Node, inputs: Known[]) => Shape;

function shapeOf(inputs: Known[], i: number): Shape {
  const input = inputs[i];
  if (input === undefined || input.omitted === true)
    throw new UnknownOperatorError(`an operator lacks its input ${i}, which decides a shape`);
  return input.shape;
}

/** As numpy's `matmul`, which ONNX names: a single axis is a row on the left, a column on the right, and gone afterwards. */
function multiplied(a: Shape, b: Shape): Shape {
  if (a.length === 0 || b.length === 0) throw new UnknownOperatorError("MatMul of a number by itself is not defined");
  const rows = a.length === 1 ? [] : [a.at(-2) as number];
  const columns = b.length === 1 ? [] : [b.at(-1) as number];
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), ...rows, ...columns];
}
const same: Rule = (_node, inputs) => shapeOf(inputs, 0);

/** Axes of Squeeze and Unsqueeze: an attribute, or from operator set 13 on the second input, which Squeeze may lack. */
function axesOf(node: Node, inputs: Known[]): number[] {
  const axes = ints(node, "axes") ?? inputs[1]?.numbers;
  return (node.input[1] ?? "") === "" ? (axes ?? []) : told(node, axes, "axes");
}

/** Output shape by operator. */
const rules: Record<string, Rule> = {
  Relu: same,
  Clip: same,
  Softmax: same,
  Sigmoid: same,
  Identity: same,
  Cast: same,
  BatchNormalization: same,
  QuantizeLinear: same,
  DequantizeLinear: same,
  Add: (_n, i) => broadcast(shapeOf(i, 0), shapeOf(i, 1)),
  Mul: (_n, i) => broadcast(shapeOf(i, 0), shapeOf(i, 1)),
  Sub: (_n, i) => broadcast(shapeOf(i, 0), shapeOf(i, 1)),
  Div: (_n, i) => broadcast(shapeOf(i, 0), shapeOf(i, 1)),
  Conv: (n, i) => windowed(n, shapeOf(i, 0), shapeOf(i, 1).slice(2), shapeOf(i, 1)[0] as number),
  AveragePool: (n, i) => windowed(n, shapeOf(i, 0), ints(n, "kernel_shape") ?? [], shapeOf(i, 0)[1] as number),
  MaxPool: (n, i) => windowed(n, shapeOf(i, 0), ints(n, "kernel_shape") ?? [], shapeOf(i, 0)[1] as number),
  GlobalAveragePool: (_n, i) => shapeOf(i, 0).map((dim, axis) => (axis < 2 ? dim : 1)),
  Flatten: (n, i) => {
    const shape = shapeOf(i, 0);
    const axis = int(n, "axis", 1);
    return [product(shape.slice(0, axis)), product(shape.slice(axis))];
  },
  Reshape: (n, i) => reshape(n, shapeOf(i, 0), told(n, ints(n, "shape") ?? i[1]?.numbers, "shape")),
  Transpose: (n, i) => {
    const shape = shapeOf(i, 0);
    return (ints(n, "perm") ?? shape.map((_, axis) => shape.length - 1 - axis)).map((axis) => shape[axis] as number);
  },
  Squeeze: (n, i) => {
    const shape = shapeOf(i, 0);
    const axes = axesOf(n, i).map((axis) => (axis < 0 ? axis + shape.length : axis));
    return shape.filter((dim, axis) => (axes.length > 0 ? !axes.includes(axis) : dim !== 1));
  },
  Unsqueeze: (n, i) => {
    const shape = [...shapeOf(i, 0)];
    const axes = axesOf(n, i);
    const places = axes.map((axis) => (axis < 0 ? axis + shape.length + axes.length : axis));
    for (const axis of places.sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return shape;
  },
  Concat: (n, i) => {
    const shape = [...shapeOf(i, 0)];
    const axis = (int(n, "axis", 0) + shape.length) % shape.length;
    shape[axis] = i.reduce((sum, entry) => sum + (entry.shape[axis] as number), 0);
    return shape;
  },
  Gemm: (n, i) => [
    shapeOf(i, 0)[int(n, "transA", 0) === 1 ? 1 : 0] as number,
    shapeOf(i, 1)[int(n, "transB", 0) === 1 ? 0 : 1] as number,
  ],
  MatMul: (_n, i) => multiplied(shapeOf(i, 0), shapeOf(i, 1)),
};

/** Output shape of an operator; throws `UnknownOperatorError` where there is no rule. */
export function outputShape(node: Node, inputs: Known[]): Shape {
  const rule = Object.hasOwn(rules, node.op_type) ? rules[node.op_type] : undefined;
  if (rule === undefined) throw new UnknownOperatorError(`operator ${node.op_type} is not known to the analyser`);
  const shape = rule(node, inputs);
  if (shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return shape;
  const given = inputs.map((input) => `[${input.shape}]`).join(", ");
  throw new UnknownOperatorError(`operator ${node.op_type} ${node.name}: no shape follows from inputs of ${given}`);
}
