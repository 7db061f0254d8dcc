import {
  attribute,
  floats,
  make,
  namesUsed,
  type Quantized,
  QuantizeError,
  quantizable,
  raiseOpset,
  roundHalfEven,
  unfit,
} from "./quantize.ts";
import { Attr, decodeModel, Elem, encodeModel, type Graph, type Model, type Node, type TensorProto } from "./schema.ts";

/** DequantizeLinear has a scale per channel from opset 13 on. */
const OPSET = 13;
/** What follows a rewritten node and only bounds its output: both are one step of integers. */
const BOUNDS = ["Relu", "Clip"];

/**
 * First step of static quantisation: weights of MatMul, Gemm and Conv become int8, symmetric, with a scale per output channel
 * (MatMul: per tensor), behind a DequantizeLinear. Activations stay floats until `recalibrate` knows their ranges.
 */
export function quantizeStatic(bytes: Uint8Array): Quantized {
  const model = decodeModel(bytes);
  raiseOpset(model, OPSET);
  const { graph } = model;
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const done: Quantized = { bytes, rewritten: {}, kept: [] };
  const made = new Set<string>();
  graph.node = graph.node.flatMap((node) => {
    if (!quantizable(node)) return [node];
    const reason = unfit(node, weights);
    if (reason !== undefined) {
      done.kept.push({ node: node.name || (node.output[0] as string), reason });
      return [node];
    }
    done.rewritten[node.op_type] = (done.rewritten[node.op_type] ?? 0) + 1;
    const [input, weight, ...rest] = node.input as [string, string, ...string[]];
    const axis = channelAxis(node);
    const name = `${weight}_int8_${axis ?? "all"}`;
    const nodes: Node[] = [];
    if (!made.has(name)) {
      made.add(name);
      graph.initializer.push(...int8(name, weights.get(weight) as TensorProto, axis));
      const at = axis === undefined ? [] : [{ name: "axis", type: Attr.int, i: axis }];
      const inputs = [name, `${name}_scale`, `${name}_zero_point`];
      nodes.push(make("DequantizeLinear", `${name}_real`, inputs, [`${name}_real`], at));
    }
    return [...nodes, { ...node, input: [input, `${name}_real`, ...rest] }];
  });
  return { ...done, bytes: encodeModel(withoutUnused(model)) };
}

/** Axis of a weight along which its scales lie; undefined for one scale. */
function channelAxis(node: Node): number | undefined {
  if (node.op_type === "Conv") return 0;
  return node.op_type === "Gemm" ? 1 - attribute(node, "transB", 0) : undefined;
}

/** A weight as int8 with its scales and zero points. */
function int8(name: string, tensor: TensorProto, axis: number | undefined): TensorProto[] {
  const values = floats(tensor) as Float32Array;
  const channels = axis === undefined ? 1 : (tensor.dims[axis] as number);
  const inner = axis === undefined ? 1 : tensor.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channel = (i: number): number => (axis === undefined ? 0 : Math.floor(i / inner) % channels);
  const largest = new Float32Array(channels);
  for (const [i, value] of values.entries())
    largest[channel(i)] = Math.max(largest[channel(i)] as number, Math.abs(value));
  const scales = largest.map((most) => (most === 0 ? 1 : most / 127));
  const codes = Int8Array.from(values, (value, i) =>
    Math.max(-127, Math.min(127, roundHalfEven(value / (scales[channel(i)] as number)))),
  );
  const dims = axis === undefined ? [] : [channels];
  return [
    { name, dims: tensor.dims, data_type: Elem.int8, raw_data: new Uint8Array(codes.buffer) },
    { name: `${name}_scale`, dims, data_type: Elem.float32, raw_data: new Uint8Array(scales.buffer) },
    { name: `${name}_zero_point`, dims, data_type: Elem.int8, raw_data: new Uint8Array(channels) },
  ];
}

/** Weights that no node takes any more are left out, and out of the inputs of models that list them there. */
function withoutUnused(model: Model): Model {
  const { graph } = model;
  const used = namesUsed(graph);
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  graph.input = graph.input.filter(({ name }) => !weights.has(name) || used.has(name));
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
  return model;
}

/** A rewritten node with what its integers need. */
interface Step {
  node: Node;
  input: string;
  /** The value that leaves the step: its output, or that of the bound behind it. */
  output: string;
}

/** Nodes of a model whose weights `quantizeStatic` has made integers. */
function stepsOf(graph: Graph): Step[] {
  const real = new Set(
    graph.node.filter(({ op_type }) => op_type === "DequantizeLinear").map((node) => node.output[0]),
  );
  const outputs = new Set(graph.output.map(({ name }) => name));
  return graph.node.flatMap((node) => {
    if (!quantizable(node) || !real.has(node.input[1] as string)) return [];
    const [output] = node.output as [string];
    const users = graph.node.filter((other) => other.input.includes(output));
    const [bound] = users;
    const bounded = users.length === 1 && bound !== undefined && BOUNDS.includes(bound.op_type) && !outputs.has(output);
    return [{ node, input: node.input[0] as string, output: bounded ? (bound.output[0] as string) : output }];
  });
}

/** Values whose ranges `recalibrate` needs. */
function valuesOf(steps: Step[]): string[] {
  return [...new Set(steps.flatMap(({ input, output }) => [input, output]))];
}

/** A model that gives, for an input, smallest and largest of every value that `recalibrate` asks for, as one vector. */
export function rangesModel(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes);
  const { graph } = model;
  const parts: string[] = [];
  for (const value of valuesOf(stepsOf(graph))) {
    for (const op of ["ReduceMin", "ReduceMax"]) {
      const name = `${value}_${op}`;
      graph.node.push(make(op, name, [value], [name]));
      graph.node.push(make("Reshape", `${name}_flat`, [name, "ranges_shape"], [`${name}_flat`]));
      parts.push(`${name}_flat`);
    }
  }
  const one = { dims: [1], data_type: Elem.int64, raw_data: new Uint8Array(BigInt64Array.of(-1n).buffer) };
  graph.initializer.push({ name: "ranges_shape", ...one });
  graph.node.push(make("Concat", "ranges", parts, ["ranges"], [{ name: "axis", type: Attr.int, i: 0 }]));
  const dim = [{ dim_value: parts.length }];
  graph.output = [{ name: "ranges", type: { tensor_type: { elem_type: Elem.float32, shape: { dim } } } }];
  return encodeModel(model);
}

/**
 * Second step of static quantisation: activations become uint8 with the ranges that were seen, biases int32; Relu and Clip keep
 * their floats between. `ranges`: smallest and largest of each value in turn, as `rangesModel` gives them. Runtimes fuse
 * QuantizeLinear, node and DequantizeLinear into integer arithmetic.
 */
export function recalibrate(bytes: Uint8Array, ranges: ArrayLike<number>): Uint8Array {
  const model = decodeModel(bytes);
  const { graph } = model;
  const steps = stepsOf(graph);
  const values = valuesOf(steps);
  if (ranges.length !== 2 * values.length || !Array.from(ranges).every(Number.isFinite))
    throw new QuantizeError(`${values.length} ranges of finite numbers are wanted, these are ${ranges.length / 2}`);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const inputs = new Set(graph.input.map(({ name }) => name));
  const scales = new Map<string, number>();
  const behind = new Map<string, Node[]>();
  for (const [i, value] of values.entries()) {
    const { scale, zero_point } = uint8(ranges[2 * i] as number, ranges[2 * i + 1] as number);
    scales.set(value, scale);
    const names = [`${value}_act_scale`, `${value}_act_zero_point`] as [string, string];
    const raw = new Uint8Array(Float32Array.of(scale).buffer);
    graph.initializer.push(
      { name: names[0], dims: [], data_type: Elem.float32, raw_data: raw },
      { name: names[1], dims: [], data_type: Elem.uint8, raw_data: Uint8Array.of(zero_point) },
    );
    // An output keeps its name behind the pair, everything else is read by its users under the pair's name.
    const from = outputs.has(value) ? `${value}_float` : value;
    const to = outputs.has(value) ? value : `${value}_act_real`;
    const pair = [
      make("QuantizeLinear", `${value}_act_quantize`, [from, ...names], [`${value}_act`]),
      make("DequantizeLinear", `${value}_act_dequantize`, [`${value}_act`, ...names], [to]),
    ];
    for (const node of graph.node) {
      if (from !== value) node.output = node.output.map((name) => (name === value ? from : name));
      else node.input = node.input.map((name) => (name === value ? to : name));
    }
    behind.set(from, pair);
  }
  for (const step of steps) bias(graph, step, scales.get(step.input) as number);
  const first = [...inputs].flatMap((name) => behind.get(name) ?? []);
  graph.node = [
    ...first,
    ...graph.node.flatMap((node) => [node, ...node.output.flatMap((name) => behind.get(name) ?? [])]),
  ];
  return encodeModel(withoutUnused(model));
}

/** Scale and zero point of a range; zero is exact, as padding wants it. */
function uint8(smallest: number, largest: number): { scale: number; zero_point: number } {
  const low = Math.min(0, smallest);
  const high = Math.max(0, largest);
  const scale = Math.fround(high === low ? 1 : (high - low) / 255);
  return { scale, zero_point: Math.max(0, Math.min(255, roundHalfEven(-low / scale))) };
}

/** The bias of a Conv or Gemm as int32 in steps of activation's scale times weight's scale; one that is no constant stays. */
function bias(graph: Graph, { node }: Step, input_scale: number): void {
  const name = node.input[2];
  const tensor = graph.initializer.find((entry) => entry.name === name);
  const values = tensor?.data_type === Elem.float32 ? floats(tensor) : undefined;
  const weight = (node.input[1] as string).replace(/_real$/, "");
  const found = graph.initializer.find((entry) => entry.name === `${weight}_scale`);
  if (tensor === undefined || values === undefined || found === undefined) return;
  const weight_scales = floats(found) as Float32Array;
  if (tensor.dims.length !== 1 || weight_scales.length !== values.length) return;
  const made = `${node.name || node.output[0]}_bias_int32`;
  const scales = Float32Array.from(weight_scales, (scale) => scale * input_scale);
  const limit = 2 ** 31 - 1;
  const codes = Int32Array.from(values, (value, i) =>
    Math.max(-limit, Math.min(limit, roundHalfEven(value / (scales[i] as number)))),
  );
  graph.initializer.push(
    { name: made, dims: tensor.dims, data_type: Elem.int32, raw_data: new Uint8Array(codes.buffer) },
    {
      name: `${made}_scale`,
      dims: tensor.dims,
      data_type: Elem.float32,
      raw_data: new Uint8Array(scales.buffer),
    },
  );
  const parts = [made, `${made}_scale`];
  const real = make(
    "DequantizeLinear",
    `${made}_real`,
    parts,
    [`${made}_real`],
    [{ name: "axis", type: Attr.int, i: 0 }],
  );
  graph.node.unshift(real);
  node.input[2] = `${made}_real`;
}
