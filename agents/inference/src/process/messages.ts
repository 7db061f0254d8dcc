import type { ForeignServer, Tensor, TensorInfo } from "../runtimes/runtime.ts";
import type { Scenario } from "./schedule.ts";

/** A tensor in a frame's header; its bytes are a part of the body. */
export interface TensorHead {
  type: string;
  dims: number[];
  bytes: number;
}

export interface MeasureSpec {
  warmup: number;
  windows: number;
  window_s: number;
  gap_ms: number;
  markers: boolean;
  scenario: Scenario;
  /** Seed of the order of samples and of arrivals. */
  seed: number;
  /** Samples of a query in the multi-stream scenario. */
  samples_per_query: number;
  /** Rate of arrivals in the server scenario. */
  target_per_s: number;
  /** Input sets that the windows cycle through. */
  sets: TensorHead[][];
}

/** What the agent asks of a model's process. */
export type ModelRequest =
  | {
      op: "load";
      name: string;
      file: string;
      runtime: string;
      threads: number;
      version?: string;
      server?: ForeignServer;
    }
  | { op: "infer"; tensors: TensorHead[] }
  | { op: "measure"; spec: MeasureSpec }
  | { op: "cancel" };

/** A window's figures; the latencies (float64, microseconds) are the body of the frame. Times are CLOCK_MONOTONIC in ns, as text. */
export interface WindowHead {
  index: number;
  start_ns: string;
  stop_ns: string;
  inferences: number;
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
  | { call: number; kind: "inferred"; tensors: TensorHead[]; pre_ns: number; inference_ns: number; post_ns: number }
  | { call: number; kind: "warming"; inferences: number }
  | { call: number; kind: "warmed"; inferences: number }
  | { call: number; kind: "window"; window: WindowHead }
  | { call: number; kind: "measured" }
  | { call: number; kind: "failed"; message: string; fault: "request" | "model" }
  | { kind: "marker"; level: 0 | 1; at_ns: string }
  | { kind: "cpu-time"; cpu_ns: string; at_ns: string };

/** Heads and bytes of tensors, for a frame. */
export function packTensors(tensors: readonly Tensor[]): { heads: TensorHead[]; parts: Uint8Array[] } {
  return {
    heads: tensors.map(({ type, dims, data }) => ({ type, dims, bytes: data.length })),
    parts: tensors.map((tensor) => tensor.data),
  };
}
