import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFile } from "@mltb/contract";
import type { SeenEnvironment } from "../results/environment.ts";
import { interruption, RunError } from "./bay-api.ts";

/** The most that gRPC can carry, as the agents take it: sets of large inputs, and latencies of long windows. */
const MESSAGE_BYTES = 2 ** 31 - 1;
const CHUNK_BYTES = 256 * 1024;
/** A live agent answers in a millisecond; one on a board under load may take longer. */
const LIVE_MS = 5000;

export interface ModelInput {
  name: string;
  datatype: string;
  shape: number[];
}

export interface MeasuredWindow {
  inferences: number;
  duration_us: number;
  latency_us: Float64Array;
  pre_us: number;
  inference_us: number;
  post_us: number;
}

export interface Measured {
  windows: MeasuredWindow[];
  runtime: { name: string; version: string; threads: number };
  method: "edges" | "host_clock";
  /** Whether the model's process had a network. */
  network: string;
  /** Largest resident size of the model's process; null where the agent does not know. */
  peak_memory_bytes: number | null;
  environment: { before: SeenEnvironment; after: SeenEnvironment } | null;
  /** Calls of anybody that reached the agent while it measured; null where it does not count them. */
  requests_meanwhile: number | null;
}

export interface MeasureCall {
  model: string;
  warmup: number;
  windows: number;
  window_s: number;
  seed: number;
  /** `single-stream` where it is not given. */
  scenario?: string;
  /** Of the multi-stream scenario; the agent's own number where it is not given. */
  samples_per_query?: number;
  /** Arrivals of the server scenario, which needs it. */
  target_per_s?: number;
  inputs: Uint8Array[][];
}

/** What the bench asks of an inference agent. */
export interface AgentApi {
  /** `threads`: of the runtime; the agent's own number where it is not given. */
  deploy(name: string, sha256: string, bytes: Uint8Array, threads?: number): Promise<void>;
  inputs(model: string): Promise<ModelInput[]>;
  /** Runs one input set; gives the first output as numbers. */
  infer(model: string, inputs: ModelInput[], raw: Uint8Array[]): Promise<Float64Array>;
  measure(
    request: MeasureCall,
    onWindow: (index: number, window: MeasuredWindow) => void,
    signal: AbortSignal,
  ): Promise<Measured>;
  /** Whether it answers at all. */
  live(): Promise<boolean>;
  close(): void;
}

type Client = grpc.Client & Record<string, (...args: unknown[]) => grpc.ClientReadableStream<unknown>>;
type ClientConstructor = new (address: string, credentials: grpc.ChannelCredentials, options: object) => Client;

function client(file: "open_inference_v2" | "mltb_agent_v1", path: string[], address: string): Client {
  const definition = loadSync(protoFile(file), { keepCase: true, longs: String, defaults: true, oneofs: true });
  let at: unknown = grpc.loadPackageDefinition(definition);
  for (const part of path) at = (at as Record<string, unknown>)[part];
  return new (at as ClientConstructor)(address, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
  });
}

function floats(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function numbers(datatype: string, bytes: Uint8Array): Float64Array {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  if (datatype === "FP32") return Float64Array.from(new Float32Array(buffer));
  if (datatype === "FP64") return new Float64Array(buffer);
  if (datatype === "INT8") return Float64Array.from(new Int8Array(buffer));
  if (datatype === "UINT8") return Float64Array.from(new Uint8Array(buffer));
  if (datatype === "INT32") return Float64Array.from(new Int32Array(buffer));
  if (datatype === "INT64") return Float64Array.from(new BigInt64Array(buffer), Number);
  throw new RunError(`outputs of datatype ${datatype} cannot be scored`);
}

/** 64-bit numbers come as text. */
type ToldEnvironment = Omit<SeenEnvironment, "memory_bytes"> & { memory_bytes: string };
/** No machine has none of them. */
const COUNTED = ["cores", "memory_bytes"];

/** The wire's defaults mean that the agent did not tell. */
function told(seen: ToldEnvironment): SeenEnvironment {
  const { memory_bytes, ...others } = seen;
  const known = Object.entries({ ...others, memory_bytes: Number(memory_bytes) }).filter(
    ([key, value]) =>
      value !== "" && value !== null && !key.startsWith("_") && !(COUNTED.includes(key) && (value as number) === 0),
  );
  return Object.fromEntries(known);
}

interface MeasureEvent {
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
    peak_memory_bytes: string;
    before: ToldEnvironment | null;
    after: ToldEnvironment | null;
    requests_meanwhile?: number;
  };
}

/** An agent at a gRPC address. */
export function grpcAgent(address: string): AgentApi {
  const oip = client("open_inference_v2", ["inference", "GRPCInferenceService"], address);
  const bench = client("mltb_agent_v1", ["mltb", "agent", "v1", "Agent"], address);

  function unary<A>(of: Client, method: string, request: unknown): Promise<A> {
    return new Promise((resolve, reject) => {
      of[method]?.(request, (error: grpc.ServiceError | null, answer: A) => {
        if (error === null) resolve(answer);
        else reject(new RunError(`${method}: ${error.details}`));
      });
    });
  }

  return {
    async deploy(name, sha256, bytes, threads = 0) {
      // What the agent keeps already need not be sent again: the head alone names it.
      const { present } = await unary<{ present: boolean }>(bench, "HasArtifact", { sha256 });
      await new Promise<void>((resolve, reject) => {
        const stream = bench["Deploy"]?.((error: grpc.ServiceError | null) => {
          if (error === null) resolve();
          else reject(new RunError(`deploying ${name}: ${error.details}`));
        }) as unknown as grpc.ClientWritableStream<unknown>;
        if (present) stream.write({ name, sha256, threads });
        for (let at = 0; !present && at < bytes.length; at += CHUNK_BYTES) {
          stream.write({ name, sha256, threads, data: bytes.subarray(at, at + CHUNK_BYTES) });
        }
        stream.end();
      });
    },
    async inputs(model) {
      type Answer = { inputs: { name: string; datatype: string; shape: string[] }[] };
      const answer = await unary<Answer>(oip, "ModelMetadata", { name: model });
      return answer.inputs.map((input) => ({
        name: input.name,
        datatype: input.datatype,
        shape: input.shape.map((dim) => Math.max(1, Number(dim))),
      }));
    },
    async infer(model, inputs, raw) {
      type Answer = { outputs: { datatype: string }[]; raw_output_contents: Uint8Array[] };
      const answer = await unary<Answer>(oip, "ModelInfer", { model_name: model, inputs, raw_input_contents: raw });
      const [output] = answer.outputs;
      const [bytes] = answer.raw_output_contents;
      if (output === undefined || bytes === undefined) throw new RunError(`${model} gave no output`);
      return numbers(output.datatype, bytes);
    },
    measure(request, onWindow, signal) {
      return new Promise((resolve, reject) => {
        // Cancelled before, while its board was made ready: no event tells of that any more.
        if (signal.aborted) {
          reject(interruption(signal));
          return;
        }
        const windows: MeasuredWindow[] = [];
        let done: MeasureEvent["done"];
        const stream = bench["Measure"]?.({
          model_name: request.model,
          warmup: request.warmup,
          windows: request.windows,
          window_s: request.window_s,
          seed: request.seed,
          scenario: request.scenario ?? "",
          samples_per_query: request.samples_per_query ?? 0,
          target_per_s: request.target_per_s ?? 0,
          markers: true,
          inputs: request.inputs.map((raw_input_contents) => ({ raw_input_contents })),
        }) as grpc.ClientReadableStream<MeasureEvent>;
        const abort = (): void => stream.cancel();
        signal.addEventListener("abort", abort);
        stream.on("data", (event: MeasureEvent) => {
          if (event.window_done != null) {
            const w = event.window_done;
            const window = {
              inferences: w.inferences,
              duration_us: Number(BigInt(w.stop_ns) - BigInt(w.start_ns)) / 1000,
              latency_us: floats(w.latency_us),
              pre_us: w.pre_us,
              inference_us: w.inference_us,
              post_us: w.post_us,
            };
            windows.push(window);
            onWindow(w.index, window);
          } else if (event.done != null) done = event.done;
        });
        const finish = (error?: grpc.ServiceError): void => {
          signal.removeEventListener("abort", abort);
          if (signal.aborted) reject(interruption(signal));
          else if (error !== undefined) reject(new RunError(`measuring ${request.model}: ${error.details}`));
          else if (done === undefined) reject(new RunError(`measuring ${request.model}: the agent ended early`));
          else {
            const runtime = { name: done.runtime_name, version: done.runtime_version, threads: done.threads };
            const peak = Number(done.peak_memory_bytes);
            const { before, after } = done;
            resolve({
              windows,
              runtime,
              method: done.marker_method,
              network: done.network,
              peak_memory_bytes: peak > 0 ? peak : null,
              environment: before === null || after === null ? null : { before: told(before), after: told(after) },
              requests_meanwhile: "_requests_meanwhile" in done ? (done.requests_meanwhile ?? 0) : null,
            });
          }
        };
        stream.on("error", (error) => finish(error as grpc.ServiceError));
        stream.on("end", () => finish());
      });
    },
    live() {
      return new Promise((resolve) => {
        const options = { deadline: Date.now() + LIVE_MS };
        oip["ServerLive"]?.({}, options, (error: grpc.ServiceError | null) => resolve(error === null));
      });
    },
    close() {
      oip.close();
      bench.close();
    },
  };
}
