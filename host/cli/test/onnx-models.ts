import {
  Attr,
  type Attribute,
  encodeModel,
  type Graph,
  type Node,
  type TensorProto,
} from "../../bench/src/onnx/schema.ts";

/** TensorProto.DataType by the protocol's names. */
export const elementTypes = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
} as const;
export type ElementType = keyof typeof elementTypes;

/** A value at a graph's edge; -1 is an open dimension. */
function value(name: string, type: ElementType, shape: number[]): Graph["input"][0] {
  const dim = shape.map((size, i) => (size < 0 ? { dim_param: `d${i}` } : { dim_value: size }));
  return { name, type: { tensor_type: { elem_type: elementTypes[type], shape: { dim } } } };
}

function node(op_type: string, input: string[], output: string[], attribute: Attribute[] = []): Node {
  return { op_type, name: output[0] ?? op_type, input, output, attribute };
}

function int64(name: string, dims: number[], values: bigint[]): TensorProto {
  return { name, dims, data_type: elementTypes.INT64, raw_data: new Uint8Array(BigInt64Array.from(values).buffer) };
}

function model(graph: Omit<Graph, "name">): Uint8Array {
  return encodeModel({
    ir_version: 8,
    producer_name: "mltb-test",
    producer_version: "1",
    graph: { name: "test", ...graph },
    opset_import: [{ domain: "", version: 17 }],
  });
}

/** The answer is the input. */
export function identity(type: ElementType, shape: number[]): Uint8Array {
  return model({
    node: [node("Identity", ["x"], ["y"])],
    initializer: [],
    input: [value("x", type, shape)],
    output: [value("y", type, shape)],
  });
}

/** Two inputs and two outputs of different types. */
export function crossed(): Uint8Array {
  return model({
    node: [node("Identity", ["a"], ["c"]), node("Identity", ["b"], ["d"])],
    initializer: [],
    input: [value("a", "FP32", [2]), value("b", "INT64", [-1, 2])],
    output: [value("d", "INT64", [-1, 2]), value("c", "FP32", [2])],
  });
}

/** A loop of 2^62 steps over a number, or of as many as the first input says. */
export function endlessLoop(counted = false): Uint8Array {
  const body: Graph = {
    name: "body",
    node: [node("Add", ["v", "v"], ["v_next"]), node("Identity", ["go"], ["go_on"])],
    initializer: [],
    input: [value("step", "INT64", []), value("go", "BOOL", []), value("v", "FP32", [1])],
    output: [value("go_on", "BOOL", []), value("v_next", "FP32", [1])],
  };
  return model({
    node: [node("Loop", ["steps", "", "x"], ["y"], [{ name: "body", type: Attr.graph, g: body }])],
    initializer: counted ? [] : [int64("steps", [], [1n << 62n])],
    input: [...(counted ? [value("steps", "INT64", [1])] : []), value("x", "FP32", [1])],
    output: [value("y", "FP32", [1])],
  });
}

/** A tensor of 100 GB, with its size in the model (`fixed`) or in the request. */
export function hugeConstant(fixed: boolean): Uint8Array {
  return model({
    node: [node("ConstantOfShape", ["n"], ["big"]), node("ReduceSum", ["big"], ["y"])],
    initializer: fixed ? [int64("n", [1], [25_000_000_000n])] : [],
    input: fixed ? [value("x", "FP32", [1])] : [value("n", "INT64", [1])],
    output: [value("y", "FP32", [1])],
  });
}

/** Grows step by step until nothing is left: each doubling is small enough to be granted. */
export function doubling(steps: number): Uint8Array {
  const names = Array.from({ length: steps + 1 }, (_, i) => (i === 0 ? "x" : `x${i}`));
  const axis: Attribute = { name: "axis", type: Attr.int, i: 0 };
  const nodes = names
    .slice(1)
    .map((name, i) => node("Concat", [names[i] as string, names[i] as string], [name], [axis]));
  return model({
    node: [...nodes, node("ReduceSum", [names.at(-1) as string], ["y"])],
    initializer: [],
    input: [value("x", "FP32", [-1])],
    output: [value("y", "FP32", [1])],
  });
}

/** Weights in a file beside or outside the model. */
export function externalWeights(location: string, count: number): Uint8Array {
  const external_data = [
    { key: "location", value: location },
    { key: "length", value: String(count * 4) },
  ];
  return model({
    node: [node("Add", ["x", "w"], ["y"])],
    initializer: [{ name: "w", dims: [count], data_type: elementTypes.FP32, external_data, data_location: 1 }],
    input: [value("x", "FP32", [count])],
    output: [value("y", "FP32", [count])],
  });
}

/** A chain of additions. */
export function longChain(nodes: number): Uint8Array {
  const names = Array.from({ length: nodes + 1 }, (_, i) => (i === 0 ? "x" : i === nodes ? "y" : `v${i}`));
  return model({
    node: names.slice(1).map((name, i) => node("Add", [names[i] as string, "one"], [name])),
    initializer: [
      { name: "one", dims: [1], data_type: elementTypes.FP32, raw_data: new Uint8Array(Float32Array.of(1).buffer) },
    ],
    input: [value("x", "FP32", [1])],
    output: [value("y", "FP32", [1])],
  });
}

/** The graph's edge says float32 where the operator gives int64. */
export function wrongType(): Uint8Array {
  return model({
    node: [node("Shape", ["x"], ["y"])],
    initializer: [],
    input: [value("x", "FP32", [1])],
    output: [value("y", "FP32", [1])],
  });
}
