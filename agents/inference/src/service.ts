import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFile } from "@mltb/contract";
import { AgentError, isAgentError } from "./errors.ts";
import { type InferInput, oipType, rawSet, requestTensors } from "./oip.ts";
import type { ModelReply } from "./process/messages.ts";
import { MODEL_BYTES, type Repository } from "./repository.ts";
import type { TensorInfo } from "./runtimes/runtime.ts";

const MESSAGE_BYTES = 64 * 1024 * 1024;
const GAP_MS = 50;

const statuses = {
  "not-found": grpc.status.NOT_FOUND,
  "invalid-argument": grpc.status.INVALID_ARGUMENT,
  unavailable: grpc.status.UNAVAILABLE,
  aborted: grpc.status.ABORTED,
};

function toStatus(error: unknown): grpc.ServiceError {
  const code = isAgentError(error) ? statuses[error.kind] : grpc.status.INTERNAL;
  const message = (error as Error).message;
  return Object.assign(new Error(message), { code, details: message, metadata: new grpc.Metadata() });
}

/** A unary call as a function that returns or throws. */
function unary<Q, A>(body: (request: Q) => Promise<A>): grpc.handleUnaryCall<Q, A> {
  return (call, callback) => {
    body(call.request).then(
      (answer) => callback(null, answer),
      (error) => callback(toStatus(error)),
    );
  };
}

interface Named {
  name: string;
  version: string;
}

interface InferRequest {
  model_name: string;
  model_version: string;
  id: string;
  inputs: InferInput[];
  outputs: { name: string }[];
  raw_input_contents: Uint8Array[];
}

function metadata(tensors: TensorInfo[]): { name: string; datatype: string; shape: number[] }[] {
  return tensors.map((tensor) => ({ name: tensor.name, datatype: oipType(tensor.type), shape: tensor.shape }));
}

function inference(repository: Repository, version: string): grpc.UntypedServiceImplementation {
  return {
    ServerLive: unary(async () => ({ live: true })),
    ServerReady: unary(async () => ({ ready: true })),
    ServerMetadata: unary(async () => ({ name: "mltb-inference", version, extensions: ["model_repository"] })),
    ModelReady: unary(async ({ name, version: wanted }: Named) => ({ ready: await repository.ready(name, wanted) })),
    ModelMetadata: unary(async ({ name, version: wanted }: Named) => {
      const { version: found, process } = await repository.model(name, wanted);
      return {
        name,
        versions: [found],
        platform: "onnxruntime_onnx",
        inputs: metadata(process.inputs),
        outputs: metadata(process.outputs),
      };
    }),
    ModelInfer: unary(async (request: InferRequest) => {
      const { version: found, process } = await repository.model(request.model_name, request.model_version);
      const tensors = requestTensors(request.inputs, request.raw_input_contents, process.inputs);
      const unknown = request.outputs.find((output) => !process.outputs.some((info) => info.name === output.name));
      if (unknown !== undefined) throw new AgentError("invalid-argument", `the model has no output ${unknown.name}`);
      const results = await process.infer(tensors);
      const chosen = process.outputs
        .map((info, i) => ({ info, tensor: results[i] }))
        .filter(
          ({ info }) => request.outputs.length === 0 || request.outputs.some((output) => output.name === info.name),
        );
      return {
        model_name: request.model_name,
        model_version: found,
        id: request.id,
        outputs: chosen.map(({ info, tensor }) => ({
          name: info.name,
          datatype: oipType(info.type),
          shape: tensor?.dims,
        })),
        raw_output_contents: chosen.map(({ tensor }) => tensor?.data),
      };
    }),
    RepositoryIndex: unary(async () => ({
      models: repository.list().map(({ name, version: v, ready, reason }) => ({
        name,
        version: v,
        state: ready ? "READY" : "UNAVAILABLE",
        reason,
      })),
    })),
    RepositoryModelLoad: unary(async ({ model_name }: { model_name: string }) => {
      await repository.model(model_name, "");
      return {};
    }),
    RepositoryModelUnload: unary(async ({ model_name }: { model_name: string }) => {
      await repository.unload(model_name);
      return {};
    }),
  };
}

interface Chunk {
  name: string;
  sha256: string;
  data: Uint8Array;
}

interface MeasureRequest {
  model_name: string;
  model_version: string;
  warmup: number;
  windows: number;
  window_s: number;
  inputs: { raw_input_contents: Uint8Array[] }[];
  markers: boolean;
  gap_ms: number;
}

/** The event that goes out for a reply of the model's process; undefined where there is none. */
function measureEvent(reply: ModelReply): Record<string, unknown> | undefined {
  if (reply.kind === "warmed") return { warmup_done: { inferences: reply.inferences } };
  if (reply.kind !== "window") return undefined;
  const { window } = reply;
  const { latency_us: latency } = window;
  return {
    window_done: {
      index: window.index,
      start_ns: window.start_ns.toString(),
      stop_ns: window.stop_ns.toString(),
      inferences: latency.length,
      latency_us: Buffer.from(latency.buffer, latency.byteOffset, latency.byteLength),
      pre_us: window.pre_us,
      inference_us: window.inference_us,
      post_us: window.post_us,
    },
  };
}

function bench(repository: Repository, threads: number, marker: boolean): grpc.UntypedServiceImplementation {
  const Deploy: grpc.handleClientStreamingCall<Chunk, unknown> = (call, callback) => {
    let head: Chunk | undefined;
    const parts: Uint8Array[] = [];
    let size = 0;
    call.on("data", (chunk: Chunk) => {
      head ??= chunk;
      parts.push(chunk.data);
      size += chunk.data.length;
      if (size > MODEL_BYTES)
        callback(toStatus(new AgentError("invalid-argument", `a model has at most ${MODEL_BYTES} bytes`)));
    });
    call.on("end", () => {
      if (size > MODEL_BYTES) return;
      const run = async (): Promise<unknown> => {
        if (head === undefined) throw new AgentError("invalid-argument", "no chunk was sent");
        const { version, process } = await repository.deploy(head.name, head.sha256, Buffer.concat(parts));
        return { name: head.name, version, load_ms: process.load_ms };
      };
      run().then(
        (reply) => callback(null, reply),
        (error) => callback(toStatus(error)),
      );
    });
  };

  const Measure: grpc.handleServerStreamingCall<MeasureRequest, unknown> = (call) => {
    const run = async (): Promise<void> => {
      const request = call.request;
      const { process } = await repository.model(request.model_name, request.model_version);
      if (request.inputs.length === 0) throw new AgentError("invalid-argument", "at least one input set is needed");
      const inWindow =
        request.window_s > 0 && request.window_s <= 3600 && request.windows >= 1 && request.windows <= 1000;
      if (!inWindow) throw new AgentError("invalid-argument", "1 to 1000 windows of up to 3600 s are wanted");
      await process.measure(
        {
          warmup: request.warmup,
          windows: request.windows,
          window_s: request.window_s,
          gap_ms: request.gap_ms || GAP_MS,
          markers: request.markers,
          inputs: request.inputs.map((set) => rawSet(set.raw_input_contents, process.inputs)),
        },
        (reply) => {
          const event = measureEvent(reply);
          if (event !== undefined) call.write(event);
        },
      );
      call.write({
        done: {
          runtime_name: process.runtime.name,
          runtime_version: process.runtime.version,
          threads,
          marker_method: request.markers && marker ? "edges" : "host_clock",
        },
      });
    };
    run().then(
      () => call.end(),
      // grpc-js ends a server stream with a status when it is emitted as its error; `destroy` would leave the client waiting.
      (error) => call.emit("error", toStatus(error)),
    );
  };
  return { Deploy, Measure };
}

interface ServiceConstructor {
  service: grpc.ServiceDefinition;
}

/** Loads a service of the contract. Field names stay as in the .proto; 64-bit integers come as text. */
function serviceOf(file: "open_inference_v2" | "mltb_agent_v1", path: string[]): grpc.ServiceDefinition {
  const definition = loadSync(protoFile(file), { keepCase: true, longs: String, defaults: true, oneofs: true });
  let at: unknown = grpc.loadPackageDefinition(definition);
  for (const part of path) at = (at as Record<string, unknown>)[part];
  return (at as ServiceConstructor).service;
}

/** Serves both gRPC services; resolves with the bound port. */
export async function serveGrpc(options: {
  repository: Repository;
  host: string;
  port: number;
  threads: number;
  marker: boolean;
  version: string;
}): Promise<{ port: number; close(): Promise<void> }> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
    "grpc.so_reuseport": 0,
  });
  server.addService(
    serviceOf("open_inference_v2", ["inference", "GRPCInferenceService"]),
    inference(options.repository, options.version),
  );
  server.addService(
    serviceOf("mltb_agent_v1", ["mltb", "agent", "v1", "Agent"]),
    bench(options.repository, options.threads, options.marker),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${options.host}:${options.port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
      }),
  };
}
