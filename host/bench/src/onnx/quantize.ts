import { Attr, type Attribute, Elem, type Graph, type Model, type Node, type TensorProto } from "./schema.ts";

/** A model that cannot be quantised, with the reason. */
export class QuantizeError extends Error {}

export interface Quantized {
  bytes: Uint8Array;
  /** Nodes that were rewritten, by operator. */
  rewritten: Record<string, number>;
  /** Nodes of these operators that stay as they were, with the reason. */
  kept: { node: string; reason: string }[];
}

/** Operators that mean the same from opset 9 to 13 (the ONNX operators' changelog). */
const OLDEST = 9;
const unchanged = new Set([
  ...["Add", "AveragePool", "BatchNormalization", "Concat", "Constant", "Conv", "Flatten", "Gemm", "GlobalAveragePool"],
  ...["Identity", "MatMul", "MaxPool", "Mul", "Relu", "Reshape", "Sigmoid", "Sub", "Tanh", "Transpose"],
]);

/** Version of the ONNX operators that a model uses. */
function opsetOf(model: Model): number {
  return model.opset_import.find((entry) => ["", "ai.onnx"].includes(entry.domain ?? ""))?.version ?? 0;
}

/** Brings a model to the opset that is needed, where its operators mean the same there; throws where one does not. */
export function raiseOpset(model: Model, wanted: number): void {
  const opset = opsetOf(model);
  if (opset >= wanted) return;
  const other = model.graph.node.find(({ op_type }) => opset < OLDEST || !unchanged.has(op_type));
  if (other !== undefined) {
    throw new QuantizeError(
      `the model has opset ${opset}; quantisation needs ${wanted} or newer, where ${other.op_type} may mean something else`,
    );
  }
  for (const entry of model.opset_import) if (["", "ai.onnx"].includes(entry.domain ?? "")) entry.version = wanted;
}

/** Names that the nodes of a graph take, those of the graphs inside them (If, Loop, Scan) included, and its outputs. */
export function namesUsed(graph: Graph): Set<string> {
  const inner = (node: Node): Graph[] =>
    node.attribute.flatMap(({ g, graphs }) => [...(g === undefined ? [] : [g]), ...(graphs ?? [])]);
  return new Set([
    ...graph.node.flatMap((node) => [...node.input, ...inner(node).flatMap((one) => [...namesUsed(one)])]),
    ...graph.output.map((output) => output.name),
  ]);
}

/** Operators whose weights become integers. */
export function quantizable({ op_type, domain }: Node): boolean {
  return ["MatMul", "Gemm", "Conv"].includes(op_type) && (domain ?? "") === "";
}

/** Why a quantisable node has to stay as it is; undefined where it can be rewritten. */
export function unfit(node: Node, weights: ReadonlyMap<string, TensorProto>): string | undefined {
  const weight = weights.get(node.input[1] as string);
  if (weight === undefined) return "its second input is no constant";
  if (weight.data_type !== Elem.float32) return "its weights are no 32-bit floats";
  if (floats(weight) === undefined) return "its weights are stored outside the model";
  const bias = node.input[2];
  if (bias !== undefined && bias !== "" && node.op_type === "Conv" && weights.get(bias)?.data_type !== Elem.float32)
    return "its bias is no constant of 32-bit floats";
  if (node.op_type !== "Gemm") return undefined;
  const plain =
    attribute(node, "alpha", 1) === 1 && attribute(node, "beta", 1) === 1 && attribute(node, "transA", 0) === 0;
  return plain ? undefined : "alpha, beta or transA is not the default";
}

/** A node named after what it makes. */
export function make(
  op_type: string,
  name: string,
  input: string[],
  output: string[],
  attribute: Attribute[] = [],
): Node {
  return { op_type, name, input, output, attribute };
}

/** A number of a node, or what it means where it is not given. */
export function attribute(node: Node, name: string, otherwise: number): number {
  const found = node.attribute.find((entry) => entry.name === name);
  if (found === undefined) return otherwise;
  return (found.type === Attr.float ? found.f : found.i) ?? 0;
}

/** Rounding of DynamicQuantizeLinear and QuantizeLinear: to nearest, ties to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Values of a float tensor; undefined where they are not in the model itself. */
export function floats(tensor: TensorProto): Float32Array | undefined {
  const count = tensor.dims.reduce((a, b) => a * b, 1);
  const raw = tensor.raw_data;
  if (raw !== undefined && raw.length === count * 4) return new Float32Array(Uint8Array.from(raw).buffer);
  if (tensor.float_data !== undefined && tensor.float_data.length === count)
    return Float32Array.from(tensor.float_data);
  return undefined;
}
