import { uniform } from "../random.ts";
import { Attr, type Attribute, Elem, encodeModel, type Graph, type Node, type ValueInfo } from "./schema.ts";

/** Seeded normal numbers, rounded to float32 so that every machine writes the same bytes. */
function normals(seed: number): () => number {
  const random = uniform(seed);
  // A sum of twelve uniforms is near enough to normal, and free of library functions that may differ in the last bit.
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) sum += random();
    return sum;
  };
}

/** Builds a float32 graph layer by layer. Values are named by the layer that makes them; layout NCHW, batch 1. */
export class GraphBuilder {
  private readonly graph: Graph;
  private readonly next: () => number;
  private count = 0;

  constructor(name: string, input: { name: string; shape: number[] }, seed: number) {
    this.graph = { name, node: [], initializer: [], input: [value(input.name, input.shape)], output: [] };
    this.next = normals(seed);
  }

  /** A convolution with bias. `pads`: top, left, bottom, right. */
  conv(
    from: string,
    channels: [number, number],
    kernel: [number, number],
    stride: number,
    pads: number[],
    group = 1,
  ): string {
    const [input, output] = channels;
    const fan = (input / group) * kernel[0] * kernel[1];
    const name = this.name("conv");
    this.weights(`${name}.weight`, [output, input / group, ...kernel], Math.sqrt(2 / fan));
    this.weights(`${name}.bias`, [output], 0.05);
    return this.node(
      "Conv",
      name,
      [from, `${name}.weight`, `${name}.bias`],
      [
        ints("kernel_shape", kernel),
        ints("strides", [stride, stride]),
        ints("pads", pads),
        ints("dilations", [1, 1]),
        { name: "group", type: Attr.int, i: group },
      ],
    );
  }

  relu(from: string): string {
    return this.node("Relu", this.name("relu"), [from], []);
  }

  add(a: string, b: string): string {
    return this.node("Add", this.name("add"), [a, b], []);
  }

  /** Joins values along their channels. */
  concat(from: string[]): string {
    return this.node("Concat", this.name("concat"), from, [{ name: "axis", type: Attr.int, i: 1 }]);
  }

  globalAveragePool(from: string): string {
    return this.node("GlobalAveragePool", this.name("pool"), [from], []);
  }

  flatten(from: string): string {
    return this.node("Flatten", this.name("flatten"), [from], [{ name: "axis", type: Attr.int, i: 1 }]);
  }

  dense(from: string, input: number, output: number): string {
    const name = this.name("dense");
    this.weights(`${name}.weight`, [output, input], Math.sqrt(1 / input));
    this.weights(`${name}.bias`, [output], 0.05);
    return this.node(
      "Gemm",
      name,
      [from, `${name}.weight`, `${name}.bias`],
      [{ name: "transB", type: Attr.int, i: 1 }],
    );
  }

  softmax(from: string): string {
    return this.node("Softmax", this.name("softmax"), [from], [{ name: "axis", type: Attr.int, i: -1 }]);
  }

  /** The model's bytes, with this value as its only output, under another name where one is given. */
  finish(from: string, shape: number[], output = from): Uint8Array {
    const last = this.graph.node.find((node) => node.output[0] === from);
    if (last !== undefined) last.output[0] = output;
    this.graph.output.push(value(output, shape));
    return encodeModel({
      ir_version: 8,
      producer_name: "mltb",
      producer_version: "1",
      graph: this.graph,
      opset_import: [{ domain: "", version: 13 }],
    });
  }

  private name(kind: string): string {
    this.count += 1;
    return `${kind}${this.count}`;
  }

  private node(op_type: string, name: string, input: string[], attribute: Attribute[]): string {
    const node: Node = { op_type, name, input, output: [name], attribute };
    this.graph.node.push(node);
    return name;
  }

  private weights(name: string, dims: number[], scale: number): void {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => this.next() * scale);
    this.graph.initializer.push({ name, dims, data_type: Elem.float32, raw_data: new Uint8Array(data.buffer) });
  }
}

function ints(name: string, values: number[]): Attribute {
  return { name, type: Attr.ints, ints: values };
}

function value(name: string, shape: number[]): ValueInfo {
  return {
    name,
    type: { tensor_type: { elem_type: Elem.float32, shape: { dim: shape.map((dim_value) => ({ dim_value })) } } },
  };
}
