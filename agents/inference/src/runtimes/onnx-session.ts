import { datatype, joinBytes, splitBytes } from "../datatypes.ts";
import { fromBfloat16, toBfloat16, type WrappedNames } from "./bfloat16.ts";
import type { LoadedModel, Tensor, TensorInfo } from "./runtime.ts";
import { bytesOf, textOf } from "./text.ts";

/** What the native and the WebAssembly build of ONNX Runtime have in common (`onnxruntime-common`). */
interface OrtTensor {
  type: string;
  dims: readonly number[];
  data: unknown;
}

interface ValueMetadata {
  name: string;
  isTensor: boolean;
  type?: string;
  shape?: readonly (number | string)[];
}

export interface OrtSession {
  inputMetadata: readonly ValueMetadata[];
  outputMetadata: readonly ValueMetadata[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
}

export type TensorConstructor = new (type: never, data: never, dims: readonly number[]) => OrtTensor;

// The bindings know float16 as Uint16Array only. `onnxruntime-common` would turn it into a Float16Array where the engine has
// one, which the native binding takes for an empty tensor: in a model's process there is none.
Reflect.deleteProperty(globalThis, "Float16Array");

/** The inputs do not fit the model: the fault of whoever sent them, not of the model. */
export class RequestError extends Error {}

/** The protocol's datatype of each element type of ONNX Runtime's JavaScript binding. */
const oipOf: Record<string, string> = {
  bool: "BOOL",
  uint8: "UINT8",
  int8: "INT8",
  uint16: "UINT16",
  int16: "INT16",
  uint32: "UINT32",
  int32: "INT32",
  uint64: "UINT64",
  int64: "INT64",
  float16: "FP16",
  float32: "FP32",
  float64: "FP64",
  string: "BYTES",
};
const onnxOf = Object.fromEntries(Object.entries(oipOf).map(([onnx, oip]) => [oip, onnx]));

type ArrayConstructor = new (buffer: ArrayBufferLike, offset: number, length: number) => unknown;
const arrays: Record<string, ArrayConstructor> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  INT8: Int8Array,
  UINT16: Uint16Array,
  INT16: Int16Array,
  UINT32: Uint32Array,
  INT32: Int32Array,
  UINT64: BigUint64Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

/** Errors of ONNX Runtime that tell of inputs which do not fit, by the words that its `run` uses. */
const requestFault = /invalid dimensions|invalid rank|unexpected input data type|missing input|invalid input name/i;

function info(metadata: readonly ValueMetadata[], bfloat16: ReadonlyMap<string, string>): TensorInfo[] {
  return metadata.map((value) => {
    const type = oipOf[value.type ?? ""];
    if (!value.isTensor || type === undefined) {
      throw new Error(`${value.name} is not a tensor of a type that is served (${value.type ?? "no tensor"})`);
    }
    const shape = (value.shape ?? []).map((dim) => (typeof dim === "number" && dim >= 0 ? dim : -1));
    const original = bfloat16.get(value.name);
    return original === undefined ? { name: value.name, type, shape } : { name: original, type: "BF16", shape };
  });
}

/** A view of raw bytes; copied only where they are not aligned for it. */
function view({ type, data }: Tensor): unknown {
  if (type === "BYTES") return (splitBytes(data) ?? []).map(textOf);
  if (type === "BF16") return fromBfloat16(data);
  const size = datatype(type)?.bytes ?? 1;
  const aligned = data.byteOffset % size === 0 ? data : Uint8Array.from(data);
  return new (arrays[type] as ArrayConstructor)(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

function raw(type: string, data: unknown): Uint8Array {
  if (type === "BYTES") return joinBytes((data as string[]).map(bytesOf));
  if (type === "BF16") return toBfloat16(data as Float32Array);
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Wraps a session of either build; `wrapped` names the inputs and outputs that Casts were put round. */
export function onnxModel(session: OrtSession, TensorOf: TensorConstructor, wrapped: WrappedNames): LoadedModel {
  const inputs = info(session.inputMetadata, wrapped.inputs);
  const outputs = info(session.outputMetadata, wrapped.outputs);
  const feedNames = session.inputMetadata.map((value) => value.name);
  const resultNames = session.outputMetadata.map((value) => value.name);
  return {
    inputs,
    outputs,
    prepare(tensors) {
      const feeds: Record<string, OrtTensor> = {};
      for (const [i, tensor] of tensors.entries()) {
        const onnx = tensor.type === "BF16" ? "float32" : onnxOf[tensor.type];
        feeds[feedNames[i] ?? ""] = new TensorOf(onnx as never, view(tensor) as never, tensor.dims);
      }
      return feeds;
    },
    run: async (feed) => {
      try {
        return await session.run(feed as Record<string, OrtTensor>);
      } catch (error) {
        const { message } = error as Error;
        throw requestFault.test(message) ? new RequestError(message) : error;
      }
    },
    read(result) {
      const values = result as Record<string, OrtTensor>;
      return outputs.map((output, i): Tensor => {
        const value = values[resultNames[i] ?? ""];
        if (value === undefined) throw new Error(`the model gave no output ${output.name}`);
        return { type: output.type, dims: [...value.dims], data: raw(output.type, value.data) };
      });
    },
  };
}
