/** A tensor of a model: shape as the model declares it, -1 where a dimension is open. */
export interface TensorInfo {
  name: string;
  /** The Open Inference Protocol's datatype, such as `FP32`. */
  type: string;
  shape: number[];
}

/** Raw bytes as the Open Inference Protocol sends them: little endian, row-major; BYTES elements behind their lengths. */
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

/** A foreign server of the Open Inference Protocol, and how it is called. The files are read where it is called. */
export interface ForeignServer {
  /** HOST:PORT of its gRPC. */
  address: string;
  tls: boolean;
  /** Certificates (PEM) that its own is checked against; those that Node knows where none are named. */
  ca?: string;
  token_file?: string;
}

/** Where a model lies. */
export interface ModelSource {
  name: string;
  /** Absolute path; the only folder that the model may read is the file's own. */
  file: string;
  threads: number;
  /** Of a model that a foreign server has: the version that is asked for; the server chooses where none is named. */
  version?: string;
  /** For the runtime that drives one. */
  server?: ForeignServer;
}

/** An inference runtime: one file each. */
export interface Runtime {
  name: string;
  version: string;
  load(source: ModelSource): Promise<LoadedModel>;
}
