import { rawBytes, typedArray } from "../datatypes.ts";
import type { LoadedModel, Tensor, TensorInfo } from "./runtime.ts";

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

function info(metadata: readonly ValueMetadata[]): TensorInfo[] {
  return metadata.map((value) => {
    if (!value.isTensor || value.type === undefined) throw new Error(`${value.name} is not a tensor`);
    return {
      name: value.name,
      type: value.type,
      shape: (value.shape ?? []).map((dim) => (typeof dim === "number" && dim >= 0 ? dim : -1)),
    };
  });
}

/** Wraps a session of either build. */
export function onnxModel(session: OrtSession, TensorOf: TensorConstructor): LoadedModel {
  const inputs = info(session.inputMetadata);
  const outputs = info(session.outputMetadata);
  return {
    inputs,
    outputs,
    prepare(tensors) {
      const feeds: Record<string, OrtTensor> = {};
      for (const [i, tensor] of tensors.entries()) {
        const data = typedArray(tensor.type, tensor.data);
        feeds[inputs[i]?.name ?? ""] = new TensorOf(tensor.type as never, data as never, tensor.dims);
      }
      return feeds;
    },
    run: (feed) => session.run(feed as Record<string, OrtTensor>),
    read(result) {
      const values = result as Record<string, OrtTensor>;
      return outputs.map((output): Tensor => {
        const value = values[output.name];
        if (value === undefined) throw new Error(`the model gave no output ${output.name}`);
        return { type: value.type, dims: [...value.dims], data: rawBytes(value.data as Float32Array) };
      });
    },
  };
}
