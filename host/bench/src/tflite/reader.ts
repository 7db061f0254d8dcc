import { ByteBuffer } from "flatbuffers";

/** A file that is no TFLite model, or a damaged one. */
export class TfliteError extends Error {}

export interface TfliteTensor {
  name: string;
  /** TensorType of the schema. */
  type: number;
  shape: number[];
  /** Whether its values stand in the file. */
  constant: boolean;
}

export interface TfliteOperator {
  /** BuiltinOperator of the schema. */
  code: number;
  /** Name of a custom operator. */
  custom: string | undefined;
  /** Indices of tensors; -1 for an optional one that is left out. */
  inputs: number[];
  outputs: number[];
}

export interface TfliteGraph {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: number[];
  outputs: number[];
}

/** Tables of more entries than this are taken for damage. */
const MOST = 1_000_000;

/** A table of a flatbuffer; fields are numbered as in the schema, from 0. */
class Table {
  private readonly buffer: ByteBuffer;
  private readonly at: number;

  constructor(buffer: ByteBuffer, at: number) {
    this.buffer = buffer;
    this.at = checked(buffer, at);
  }

  private field(id: number): number {
    const offset = this.buffer.__offset(this.at, 4 + 2 * id);
    // Fields of one byte may be the file's last.
    return offset === 0 ? 0 : checked(this.buffer, this.at + offset, 1);
  }

  uint8(id: number): number {
    const at = this.field(id);
    return at === 0 ? 0 : this.buffer.readUint8(at);
  }

  int8(id: number): number {
    const at = this.field(id);
    return at === 0 ? 0 : this.buffer.readInt8(at);
  }

  int32(id: number): number {
    const at = this.field(id);
    return at === 0 ? 0 : this.buffer.readInt32(at);
  }

  text(id: number): string {
    const { start, length } = this.vector(id, 1);
    return Buffer.from(this.buffer.bytes().subarray(start, start + length)).toString();
  }

  int32s(id: number): number[] {
    const { start, length } = this.vector(id, 4);
    return Array.from({ length }, (_, i) => this.buffer.readInt32(start + 4 * i));
  }

  length(id: number): number {
    return this.vector(id, 1).length;
  }

  tables(id: number): Table[] {
    const { start, length } = this.vector(id, 4);
    return Array.from({ length }, (_, i) => new Table(this.buffer, this.buffer.__indirect(start + 4 * i)));
  }

  private vector(id: number, size: number): { start: number; length: number } {
    const at = this.field(id);
    if (at === 0) return { start: 0, length: 0 };
    const head = checked(this.buffer, this.buffer.__indirect(at));
    const length = this.buffer.readInt32(head);
    const start = head + 4;
    const most = size === 1 ? this.buffer.capacity() : MOST;
    if (length < 0 || length > most || start + length * size > this.buffer.capacity())
      throw new TfliteError("the file is cut short or damaged");
    return { start, length };
  }
}

function checked(buffer: ByteBuffer, at: number, size = 4): number {
  if (!(at >= 0 && at + size <= buffer.capacity())) throw new TfliteError("the file is cut short or damaged");
  return at;
}

/** Whether bytes begin as a TFLite model does: the file identifier behind the root's offset. */
export function isTflite(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && Buffer.from(bytes.subarray(4, 8)).toString("latin1") === "TFL3";
}

// Field numbers of schema.fbs, version 3: Model.operator_codes 1, subgraphs 2, buffers 4; OperatorCode.deprecated_builtin_code
// 0, custom_code 1, builtin_code 3; SubGraph.tensors 0, inputs 1, outputs 2, operators 3; Tensor.shape 0, type 1, buffer 2,
// name 3; Operator.opcode_index 0, inputs 1, outputs 2; Buffer.data 0, offset 1, size 2.

/** The main graph of a TFLite file. Throws `TfliteError`. */
export function readTflite(bytes: Uint8Array): TfliteGraph {
  if (!isTflite(bytes)) throw new TfliteError("the file is not a TFLite model");
  const buffer = new ByteBuffer(bytes);
  const model = new Table(buffer, buffer.__indirect(0));
  const codes = model.tables(1).map((entry) => ({
    // Codes above 127 stand in the newer field only.
    code: Math.max(entry.int8(0), entry.int32(3)),
    custom: entry.text(1) || undefined,
  }));
  const filled = model.tables(4).map((entry) => entry.length(0) > 0 || entry.int32(2) > 0);
  const [graph] = model.tables(2);
  if (graph === undefined) throw new TfliteError("the model has no graph");
  return {
    tensors: graph.tables(0).map((tensor) => ({
      name: tensor.text(3),
      type: tensor.uint8(1),
      shape: tensor.int32s(0),
      constant: filled[tensor.int32(2)] === true,
    })),
    operators: graph.tables(3).map((operator) => {
      const kind = codes[operator.int32(0)];
      if (kind === undefined) throw new TfliteError("an operator has no code");
      return { ...kind, inputs: operator.int32s(1), outputs: operator.int32s(2) };
    }),
    inputs: graph.int32s(1),
    outputs: graph.int32s(2),
  };
}
