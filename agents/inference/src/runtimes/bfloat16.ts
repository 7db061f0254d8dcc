import { Bytes, type Edit, editMessage, fields, message, text, varint } from "../protobuf-wire.ts";

/** ONNX's TensorProto.DataType. */
const FLOAT = 1;
const BFLOAT16 = 16;
const ATTRIBUTE_INT = 2;
const SUFFIX = "__float32";

/** Names that the rewritten graph has at its edge, with the names that the model had there. */
export interface WrappedNames {
  inputs: ReadonlyMap<string, string>;
  outputs: ReadonlyMap<string, string>;
}

/** Float32 values of raw bfloat16: its upper half, exact. */
export function fromBfloat16(raw: Uint8Array): Float32Array {
  const out = new Uint16Array(raw.length);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let i = 0; i < raw.length / 2; i += 1) out[2 * i + 1] = view.getUint16(2 * i, true);
  return new Float32Array(out.buffer, 0, raw.length / 2);
}

/** Raw bfloat16 of float32 values that a Cast from bfloat16 made: the lower half is zero, but for the payload of a NaN. */
export function toBfloat16(values: Float32Array): Uint8Array {
  const halves = new Uint16Array(values.buffer, values.byteOffset, values.length * 2);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i += 1) out[i] = halves[2 * i + 1] as number;
  return new Uint8Array(out.buffer);
}

// Field numbers of onnx.proto: ModelProto.graph 7; GraphProto.node 1, input 11, output 12; ValueInfoProto.name 1, type 2;
// TypeProto.tensor_type 1; TypeProto.Tensor.elem_type 1; NodeProto.input 1, output 2, op_type 4, attribute 5;
// AttributeProto.name 1, i 3, type 20.

function valueInfo(bytes: Uint8Array): { name: string; elem: number } {
  let name = "";
  let elem = 0;
  for (const field of fields(bytes)) {
    if (field.id === 1) name = Buffer.from(field.bytes).toString();
    if (field.id !== 2) continue;
    for (const kind of fields(field.bytes)) {
      if (kind.id !== 1) continue;
      for (const part of fields(kind.bytes)) if (part.id === 1) elem = part.value;
    }
  }
  return { name, elem };
}

/** A ValueInfoProto with another name, as float32. */
function asFloat32(bytes: Uint8Array, name: string): Uint8Array {
  const elem: Edit = (field) => (field.id === 1 ? varint(1, FLOAT) : undefined);
  const tensor: Edit = (field) => (field.id === 1 ? message(1, editMessage(field.bytes, elem)) : undefined);
  return editMessage(bytes, (field) => {
    if (field.id === 1) return text(1, name);
    return field.id === 2 ? message(2, editMessage(field.bytes, tensor)) : undefined;
  });
}

function cast(from: string, to: string, type: number): Uint8Array {
  const attribute = Bytes.concat([text(1, "to"), varint(3, type), varint(20, ATTRIBUTE_INT)]);
  return message(1, Bytes.concat([text(1, from), text(2, to), text(4, "Cast"), message(5, attribute)]));
}

/**
 * Puts a Cast behind every bfloat16 input and before every bfloat16 output of a model, so that its edge is float32: ONNX
 * Runtime's JavaScript binding has no bfloat16. Models without such values come back as they are.
 */
export function wrapBfloat16(model: Uint8Array): { model: Uint8Array; names: WrappedNames } {
  const inputs = new Map<string, string>();
  const outputs = new Map<string, string>();
  const graph = fields(model).find((field) => field.id === 7);
  if (graph === undefined) return { model, names: { inputs, outputs } };
  const parts = fields(graph.bytes);
  // An input that is an initialiser as well keeps its value where none is given: it is no input of ours.
  const fixed = new Set(parts.filter((field) => field.id === 5).map((field) => initializerName(field.bytes)));
  const casts: Uint8Array[] = [];
  const edited = editMessage(graph.bytes, (field) => {
    if (field.id !== 11 && field.id !== 12) return undefined;
    const { name, elem } = valueInfo(field.bytes);
    if (elem !== BFLOAT16 || (field.id === 11 && fixed.has(name))) return undefined;
    const edge = `${name}${SUFFIX}`;
    (field.id === 11 ? inputs : outputs).set(edge, name);
    casts.push(field.id === 11 ? cast(edge, name, BFLOAT16) : cast(name, edge, FLOAT));
    return message(field.id, asFloat32(field.bytes, edge));
  });
  if (casts.length === 0) return { model, names: { inputs, outputs } };
  // ONNX Runtime sorts the nodes itself, so that the place of the Casts does not matter.
  const whole = Bytes.concat([edited, ...casts]);
  return {
    model: editMessage(model, (field) => (field.id === 7 ? message(7, whole) : undefined)),
    names: { inputs, outputs },
  };
}

function initializerName(tensor: Uint8Array): string {
  for (const field of fields(tensor)) if (field.id === 8) return Buffer.from(field.bytes).toString();
  return "";
}
