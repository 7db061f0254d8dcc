import {
  attribute,
  floats,
  make,
  namesUsed,
  type Quantized,
  quantizable,
  raiseOpset,
  roundHalfEven,
  unfit,
} from "./quantize.ts";
import { Attr, decodeModel, Elem, encodeModel, type Graph, type Node, type TensorProto } from "./schema.ts";

/** DynamicQuantizeLinear came with opset 11; below it the rewritten graph would mean nothing. */
const OPSET = 11;

/**
 * Dynamic quantisation to 8 bits: weights of MatMul, Gemm and Conv become int8 with one symmetric scale per tensor, activations
 * are quantised to uint8 at run time by DynamicQuantizeLinear, sums are int32 (MatMulInteger, ConvInteger). The arithmetic is
 * that of the ONNX operators' specification: y = (a_q - a_zero) x (b_q - b_zero) x a_scale x b_scale.
 */
export function quantizeDynamic(bytes: Uint8Array): Quantized {
  const model = decodeModel(bytes);
  raiseOpset(model, OPSET);
  const { graph } = model;
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const rewriter = new Rewriter(graph, weights);
  graph.node = graph.node.flatMap((node) => rewriter.rewrite(node));
  const used = namesUsed(graph);
  graph.initializer = [...graph.initializer, ...rewriter.added].filter((tensor) => used.has(tensor.name));
  // Models of old versions of the format list their weights among the inputs too.
  graph.input = graph.input.filter((input) => !weights.has(input.name) || used.has(input.name));
  return { bytes: encodeModel(model), rewritten: rewriter.rewritten, kept: rewriter.kept };
}

class Rewriter {
  readonly added: TensorProto[] = [];
  readonly rewritten: Record<string, number> = {};
  readonly kept: Quantized["kept"] = [];
  private readonly weights: Map<string, TensorProto>;
  private readonly names: Set<string>;
  private readonly quantized = new Map<string, string>();
  /** Activations that are quantised already, with the names for it: a value that feeds two nodes is quantised once. */
  private readonly activations = new Map<string, { a: string; scale: string; zero: string }>();

  constructor(graph: Graph, weights: Map<string, TensorProto>) {
    this.weights = weights;
    this.names = new Set([...namesUsed(graph), ...weights.keys(), ...graph.node.flatMap((node) => node.output)]);
  }

  rewrite(node: Node): Node[] {
    if (!quantizable(node)) return [node];
    const reason = unfit(node, this.weights);
    if (reason !== undefined) {
      this.kept.push({ node: node.name || (node.output[0] as string), reason });
      return [node];
    }
    this.rewritten[node.op_type] = (this.rewritten[node.op_type] ?? 0) + 1;
    return this.integer(node);
  }

  private integer(node: Node): Node[] {
    const [input, weight, bias] = node.input as [string, string, string | undefined];
    const [output] = node.output as [string];
    const base = node.name || output;
    const conv = node.op_type === "Conv";
    const nodes: Node[] = [];
    const b = this.weight(weight, node.op_type === "Gemm" && attribute(node, "transB", 0) === 1);
    const known = this.activations.get(input);
    const activation = known ?? {
      a: this.unique(`${input}_quantized`),
      scale: this.unique(`${input}_scale`),
      zero: this.unique(`${input}_zero_point`),
    };
    const { a } = activation;
    if (known === undefined) {
      this.activations.set(input, activation);
      nodes.push(make("DynamicQuantizeLinear", `${a}_node`, [input], [a, activation.scale, activation.zero]));
    }
    const sum = this.unique(`${base}_sum`);
    const integers = [a, b, activation.zero, `${b}_zero_point`];
    const attributes = conv ? node.attribute : [];
    nodes.push(make(conv ? "ConvInteger" : "MatMulInteger", sum, integers, [sum], attributes));
    const real = this.unique(`${base}_real`);
    nodes.push(make("Cast", real, [sum], [real], [{ name: "to", type: Attr.int, i: Elem.float32 }]));
    const scale = this.unique(`${base}_scale`);
    nodes.push(make("Mul", scale, [activation.scale, `${b}_scale`], [scale]));
    const biased = bias !== undefined && bias !== "";
    const scaled = biased ? this.unique(`${base}_scaled`) : output;
    nodes.push(make("Mul", scaled, [real, scale], [scaled]));
    if (biased)
      nodes.push(make("Add", this.unique(`${base}_bias`), [scaled, conv ? this.channels(bias, node) : bias], [output]));
    return nodes;
  }

  /** A bias per channel, shaped so that it is added to [N, C, ...]. */
  private channels(bias: string, node: Node): string {
    const tensor = this.weights.get(bias) as TensorProto;
    const rank = (this.weights.get(node.input[1] as string) as TensorProto).dims.length;
    const name = this.unique(`${bias}_channels`);
    this.added.push({ ...tensor, name, dims: [1, tensor.dims[0] as number, ...new Array<number>(rank - 2).fill(1)] });
    return name;
  }

  /** The int8 form of a weight with its scale and zero point beside it; made once. */
  private weight(name: string, transposed: boolean): string {
    const key = `${name} ${transposed}`;
    const known = this.quantized.get(key);
    if (known !== undefined) return known;
    const tensor = this.weights.get(name) as TensorProto;
    const values = floats(tensor) as Float32Array;
    let largest = 0;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    const scale = Math.fround(largest === 0 ? 1 : largest / 127);
    const codes = Int8Array.from(values, (value) => Math.max(-127, Math.min(127, roundHalfEven(value / scale))));
    const [rows = 1, columns = 1] = tensor.dims;
    const laid = transposed
      ? Int8Array.from(codes, (_, i) => codes[(i % rows) * columns + Math.floor(i / rows)] as number)
      : codes;
    const made = this.unique(`${name}_int8`);
    this.added.push(
      {
        name: made,
        dims: transposed ? [columns, rows] : tensor.dims,
        data_type: Elem.int8,
        raw_data: new Uint8Array(laid.buffer),
      },
      {
        name: `${made}_scale`,
        dims: [],
        data_type: Elem.float32,
        raw_data: new Uint8Array(Float32Array.of(scale).buffer),
      },
      { name: `${made}_zero_point`, dims: [], data_type: Elem.int8, raw_data: Uint8Array.of(0) },
    );
    this.quantized.set(key, made);
    return made;
  }

  private unique(name: string): string {
    let candidate = name;
    for (let n = 2; this.names.has(candidate); n += 1) candidate = `${name}_${n}`;
    this.names.add(candidate);
    return candidate;
  }
}
