import { fromOip, fromOnnx } from "./datatypes.ts";
import { AgentError } from "./errors.ts";
import type { Tensor, TensorInfo } from "./runtimes/runtime.ts";

/** An input of a ModelInfer request, as the gRPC library hands it over. */
export interface InferInput {
  name: string;
  datatype: string;
  shape: (string | number)[];
  contents?: Record<string, unknown[]>;
}

/** Open Inference Protocol's datatype of an ONNX type. */
export function oipType(onnx: string): string {
  return fromOnnx(onnx)?.oip ?? onnx.toUpperCase();
}

const bad = (message: string): AgentError => new AgentError("invalid-argument", message);

function elements(dims: number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Typed contents as raw little-endian bytes; undefined where there are none. */
function contentsToRaw(input: InferInput): Uint8Array | undefined {
  const lists = Object.entries(input.contents ?? {}).filter(([, values]) => Array.isArray(values) && values.length > 0);
  if (lists.length === 0) return undefined;
  if (lists.length > 1) throw bad(`input ${input.name}: contents hold more than one kind of values`);
  const values = (lists[0] as [string, unknown[]])[1];
  const type = fromOip(input.datatype);
  if (type === undefined) throw bad(`input ${input.name}: datatype ${input.datatype} is not supported`);
  const out = new DataView(new ArrayBuffer(values.length * type.bytes));
  for (const [i, value] of values.entries()) {
    const at = i * type.bytes;
    if (type.oip === "FP32") out.setFloat32(at, Number(value), true);
    else if (type.oip === "FP64") out.setFloat64(at, Number(value), true);
    else if (type.bytes === 8) out.setBigInt64(at, BigInt(value as string), true);
    else if (type.bytes === 4) out.setUint32(at, Number(value) >>> 0, true);
    else if (type.bytes === 2) out.setUint16(at, Number(value) & 0xffff, true);
    else out.setUint8(at, Number(value) & 0xff);
  }
  return new Uint8Array(out.buffer);
}

/** Checks the inputs of a request against the model and brings them into the model's order. */
export function requestTensors(inputs: InferInput[], raw: Uint8Array[], model: TensorInfo[]): Tensor[] {
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw bad(`${raw.length} raw contents for ${inputs.length} inputs; raw and typed contents must not be mixed`);
  }
  if (inputs.length !== model.length) throw bad(`the model has ${model.length} inputs, ${inputs.length} were given`);
  return model.map((info) => {
    const index = inputs.findIndex((input) => input.name === info.name);
    const input = inputs[index];
    if (input === undefined)
      throw bad(`input ${info.name} is missing; given: ${inputs.map((entry) => entry.name).join(", ")}`);
    const type = fromOnnx(info.type);
    if (type === undefined) throw bad(`input ${info.name}: type ${info.type} is not supported`);
    if (type.oip !== input.datatype)
      throw bad(`input ${info.name}: datatype ${type.oip} is wanted, not ${input.datatype}`);
    const dims = input.shape.map(Number);
    const fits =
      dims.length === info.shape.length &&
      dims.every((dim, i) => dim >= 0 && (info.shape[i] === -1 || info.shape[i] === dim));
    if (!fits) throw bad(`input ${info.name}: shape [${info.shape}] is wanted, not [${dims}]`);
    const data = raw.length > 0 ? raw[index] : contentsToRaw(input);
    const wanted = elements(dims) * type.bytes;
    if (data === undefined || data.length !== wanted) {
      throw bad(`input ${info.name}: ${wanted} bytes are wanted, ${data?.length ?? 0} were given`);
    }
    return { type: info.type, dims, data };
  });
}

/** Raw tensors of a Measure input set, in the model's order; open dimensions count as 1. */
export function rawSet(raw: Uint8Array[], model: TensorInfo[]): Tensor[] {
  if (raw.length !== model.length) throw bad(`the model has ${model.length} inputs, a set has ${raw.length}`);
  return model.map((info, i) => {
    const dims = info.shape.map((dim) => (dim === -1 ? 1 : dim));
    const type = fromOnnx(info.type);
    const data = raw[i] as Uint8Array;
    if (type === undefined) throw bad(`input ${info.name}: type ${info.type} is not supported`);
    const wanted = elements(dims) * type.bytes;
    if (data.length !== wanted) throw bad(`input ${info.name}: ${wanted} bytes are wanted, ${data.length} were given`);
    return { type: info.type, dims, data };
  });
}
