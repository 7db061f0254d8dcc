import type { SeenEnvironment } from "../results/environment.ts";

/** Numbers as the agent sends those of a window. */
export function floats(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** An environment on the wire: 64-bit numbers come as text. */
type ToldEnvironment = Omit<SeenEnvironment, "memory_bytes"> & { memory_bytes: string };
/** No machine has none of them. */
const COUNTED = ["cores", "memory_bytes"];

/** What the agent told of its environment: the wire's defaults mean that it did not tell. */
export function told(seen: ToldEnvironment): SeenEnvironment {
  const { memory_bytes, ...others } = seen;
  const known = Object.entries({ ...others, memory_bytes: Number(memory_bytes) }).filter(
    ([key, value]) =>
      value !== "" && value !== null && !key.startsWith("_") && !(COUNTED.includes(key) && (value as number) === 0),
  );
  return Object.fromEntries(known);
}

/** What comes while an agent measures. */
export interface MeasureEvent {
  window_done?: {
    index: number;
    start_ns: string;
    stop_ns: string;
    inferences: number;
    latency_us: Uint8Array;
    pre_us: number;
    inference_us: number;
    post_us: number;
  };
  done?: {
    runtime_name: string;
    runtime_version: string;
    threads: number;
    marker_method: "edges" | "host_clock";
    network: string;
    model_folder: string;
    peak_memory_bytes: string;
    before: ToldEnvironment | null;
    after: ToldEnvironment | null;
    requests_meanwhile?: number;
  };
}
