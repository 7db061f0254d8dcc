import { expect, test } from "vitest";
import { analyzeModel, UnknownOperatorError } from "./index.ts";
import { Attr, type Attribute, Elem, encodeModel, type Node, type TensorProto, type ValueInfo } from "./schema.ts";

const list = (name: string, values: number[]): TensorProto => ({
  ...{ name, dims: [values.length], data_type: Elem.int64, int64_data: values },
});
const weights = (rows: number, columns: number): TensorProto => ({
  ...{ name: "w", dims: [rows, columns], data_type: Elem.float32, raw_data: new Uint8Array(rows * columns * 4) },
});
const node = (op_type: string, input: string[], output: string, attribute: Attribute[] = []): Node => ({
  ...{ op_type, name: output, input, output: [output], attribute },
});
const int = (name: string, i: number): Attribute => ({ name, type: Attr.int, i });
const ints = (name: string, values: number[]): Attribute => ({ name, type: Attr.ints, ints: values });
const value = (name: string, shape: number[], elem_type: number = Elem.float32): ValueInfo => ({
  ...{ name, type: { tensor_type: { elem_type, shape: { dim: shape.map((dim_value) => ({ dim_value })) } } } },
});

/** A model of `x`, [1, 8, 2, 2] where nothing else is said, whose value `y` is multiplied by the matrix `w`. */
function model(nodes: Node[], initializer: TensorProto[], input = [value("x", [1, 8, 2, 2])]): Uint8Array {
  const all = [...nodes, node("MatMul", ["y", "w"], "z")];
  const graph = { name: "g", node: all, initializer, input, output: [value("z", [])] };
  const facts = { ir_version: 8, producer_name: "mltb", producer_version: "1" };
  return encodeModel({ ...facts, graph, opset_import: [{ domain: "", version: 13 }] });
}

/** 32 values as [2, 16], by a matrix of 16 x 3: 2 x 3 x 16. */
const WHOLE = { macs: 96, weights: 48 };

test("the shape of a Reshape is told by constants that are joined, passed on or cast", () => {
  const joined = [node("Concat", ["a", "b"], "s", [int("axis", 0)]), node("Reshape", ["x", "s"], "y")];
  expect(analyzeModel(model(joined, [list("a", [2]), list("b", [-1]), weights(16, 3)]))).toMatchObject(WHOLE);
  const passed = [
    node("Cast", ["a"], "c", [int("to", Elem.int64)]),
    node("Identity", ["c"], "i"),
    node("Unsqueeze", ["i"], "u", [ints("axes", [0])]),
    node("Squeeze", ["u"], "s", [ints("axes", [0])]),
    node("Reshape", ["x", "s"], "y"),
  ];
  expect(analyzeModel(model(passed, [list("a", [2, 16]), weights(16, 3)]))).toMatchObject(WHOLE);
  const attribute = [node("Reshape", ["x"], "y", [ints("shape", [2, -1])])];
  expect(analyzeModel(model(attribute, [weights(16, 3)]))).toMatchObject(WHOLE);
});

test.each<[string, Node[], TensorProto[]]>([
  ["computed from constants", [node("Mul", ["a", "b"], "s")], [list("a", [2, 8]), list("b", [1, 2])]],
  ["cast to what it is not", [node("Cast", ["a"], "s", [int("to", Elem.float32)])], [list("a", [2, 16])]],
  ["joined with what is not known", [node("Concat", ["a", "n"], "s", [int("axis", 0)])], [list("a", [2])]],
  ["given with the input", [node("Identity", ["n"], "s")], []],
  ["outside the file", [], [{ name: "s", dims: [2], data_type: Elem.int64, data_location: 1 }]],
])("a Reshape whose shape is %s is refused, not guessed", (_name, nodes, constants) => {
  const input = [value("x", [1, 8, 2, 2]), value("n", [1], Elem.int64)];
  const bytes = model([...nodes, node("Reshape", ["x", "s"], "y")], [...constants, weights(16, 3)], input);
  expect(() => analyzeModel(bytes)).toThrow(UnknownOperatorError);
  expect(() => analyzeModel(bytes)).toThrow("operator Reshape y: no constant that the analyser knows tells its shape");
});

test("Unsqueeze counts axes from the end of what it makes; axes that are not known are refused", () => {
  const x = [value("x", [4]), value("n", [1], Elem.int64)];
  // [4] becomes [4, 1]; by 1 x 5 it is [4, 5]: 4 + 20 floats are alive.
  const last = model([node("Unsqueeze", ["x", "a"], "y")], [list("a", [-1]), weights(1, 5)], x);
  expect(analyzeModel(last)).toMatchObject({ macs: 20, largest_live_bytes: 96 });
  for (const op of ["Squeeze", "Unsqueeze"]) {
    const bytes = model([node(op, ["x", "n"], "y")], [weights(1, 5)], x);
    expect(() => analyzeModel(bytes)).toThrow(`operator ${op} y: no constant that the analyser knows tells its axes`);
  }
});

test("a zero in a Reshape's shape copies a size, unless it stands for nothing at all", () => {
  const keep = model([node("Reshape", ["x", "s"], "y")], [list("s", [0, 0, -1]), weights(4, 3)]);
  expect(analyzeModel(keep)).toMatchObject({ macs: 96 });
  const nothing = [node("Reshape", ["x", "s"], "y", [int("allowzero", 1)])];
  const empty = model(nothing, [list("s", [0, 4]), weights(4, 3)], [value("x", [1, 4])]);
  expect(analyzeModel(empty)).toMatchObject({ macs: 0 });
});

/** `x` by the matrix `w`, or the other way round, with nothing else in between. */
function product(input: ValueInfo[], names: string[], initializer: TensorProto[] = [weights(16, 3)]): Uint8Array {
  const output = { name: "z", type: { tensor_type: { elem_type: Elem.float32 } } };
  const graph = { name: "g", node: [node("MatMul", names, "z")], initializer, input, output: [output] };
  const facts = { ir_version: 8, producer_name: "mltb", producer_version: "1" };
  return encodeModel({ ...facts, graph, opset_import: [{ domain: "", version: 13 }] });
}

test("a product with a vector has the axes that numpy's matmul leaves it", () => {
  const analysis = (input: ValueInfo[], names: string[], initializer?: TensorProto[]) => {
    const { macs, outputs } = analyzeModel(product(input, names, initializer));
    return { macs, shape: outputs[0]?.shape };
  };
  const [x, y] = [value("x", [16]), value("y", [16])];
  expect(analysis([x], ["x", "w"])).toEqual({ macs: 48, shape: [3] });
  expect(analysis([value("x", [3])], ["w", "x"])).toEqual({ macs: 48, shape: [16] });
  expect(analysis([x, y], ["x", "y"], [])).toEqual({ macs: 16, shape: [] });
  expect(analysis([value("x", [5, 2, 16]), y], ["x", "y"], [])).toEqual({ macs: 160, shape: [5, 2] });
  expect(analysis([y, value("x", [5, 16, 4])], ["y", "x"], [])).toEqual({ macs: 320, shape: [5, 4] });
});

test("what is no tensor of known axes, or made by nothing, is refused and not taken for a number", () => {
  const refused = (bytes: Uint8Array, message: string): void => {
    expect(() => analyzeModel(bytes)).toThrow(UnknownOperatorError);
    expect(() => analyzeModel(bytes)).toThrow(message);
  };
  refused(product([value("x", [])], ["x", "w"]), "MatMul of a number");
  refused(product([value("x", [16])], ["gone", "w"]), "operator MatMul z: nothing before it makes its input gone");
  refused(product([value("x", [16])], ["", "w"]), "an operator lacks its input 0");
  refused(product([value("x", [16])], ["x"]), "an operator lacks its input 1");
  const open = { name: "x", type: { tensor_type: { elem_type: Elem.float32 } } };
  refused(product([open], ["x", "w"]), "x is no tensor whose axes the file tells");
  const sequence = { name: "x", type: { sequence_type: {} } } as unknown as ValueInfo;
  refused(product([sequence], ["x", "w"]), "x is no tensor whose axes the file tells");
  refused(model([node("Gemm", ["x", "w"], "y")], [weights(16, 3)], [value("x", [16])]), "its input [16] is no matrix");
  const uneven = [node("Reshape", ["x", "s"], "y")];
  refused(model(uneven, [list("s", [3, -1]), weights(16, 3)]), "operator Reshape y: no shape follows from inputs of");
});

test("a value that goes into an operator twice is alive once", () => {
  const twice = model([node("Add", ["x", "x"], "y")], [weights(4, 1)], [value("x", [100, 4])]);
  expect(analyzeModel(twice)).toMatchObject({ macs: 400, largest_live_bytes: 4 * (400 + 400) });
  const two = [value("x", [100, 4]), value("n", [100, 4])];
  const both = model([node("Add", ["x", "n"], "y")], [weights(4, 1)], two);
  expect(analyzeModel(both)).toMatchObject({ largest_live_bytes: 4 * (400 + 400 + 400) });
});
