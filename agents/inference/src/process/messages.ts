import type { Tensor, TensorInfo } from "../runtimes/runtime.ts";

/** What the agent asks of a model's process. */
export type ModelRequest =
  | { op: "load"; file: string; runtime: string; threads: number }
  | { op: "infer"; tensors: Tensor[] }
  | { op: "measure"; spec: MeasureSpec };

export interface MeasureSpec {
  warmup: number;
  windows: number;
  window_s: number;
  gap_ms: number;
  markers: boolean;
  inputs: Tensor[][];
}

export interface WindowResult {
  index: number;
  start_ns: bigint;
  stop_ns: bigint;
  latency_us: Float64Array;
  pre_us: number;
  inference_us: number;
  post_us: number;
}

/** What a model's process answers; `call` pairs an answer with its request. */
export type ModelReply =
  | {
      call: number;
      kind: "loaded";
      inputs: TensorInfo[];
      outputs: TensorInfo[];
      runtime: { name: string; version: string };
      load_ms: number;
    }
  | { call: number; kind: "inferred"; outputs: Tensor[] }
  | { call: number; kind: "warmed"; inferences: number }
  | { call: number; kind: "window"; window: WindowResult }
  | { call: number; kind: "measured" }
  | { call: number; kind: "failed"; message: string }
  | { kind: "marker"; level: 0 | 1; at_ns: bigint }
  | { kind: "cpu-time"; cpu_ns: bigint; at_ns: bigint };
