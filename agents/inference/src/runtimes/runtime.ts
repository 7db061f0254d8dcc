/** A tensor of a model: shape as the model declares it, -1 where a dimension is open. */
export interface TensorInfo {
  name: string;
  /** ONNX's name, such as `float32`. */
  type: string;
  shape: number[];
}

export interface Tensor {
  type: string;
  dims: number[];
  data: Uint8Array;
}

/** A prepared input, opaque to everybody but its runtime. */
type Feed = unknown;

/** A loaded model. `prepare` is the pre phase, `run` the inference alone, `read` the post phase. */
export interface LoadedModel {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  prepare(tensors: Tensor[]): Feed;
  run(feed: Feed): Promise<unknown>;
  read(result: unknown): Tensor[];
}

/** An inference runtime: one file each. */
export interface Runtime {
  name: string;
  version: string;
  load(model: Uint8Array, threads: number): Promise<LoadedModel>;
}
