import type { ArtifactStore } from "@mltb/agent-kit";
import { AgentError, invalid } from "../errors.ts";
import { type DuplexStream, type Implementation, unary } from "../grpc.ts";
import type { Entry, Repository } from "../repository.ts";
import type { Converter } from "./converter.ts";
import { deployFiles } from "./files.ts";
import { grpcWork, type Parameter, parameterValue } from "./grpc-request.ts";
import type { InferAnswer } from "./request.ts";
import type { InferenceServer } from "./server.ts";

interface Named {
  name: string;
  version: string;
}

function inferResponse(model: string, id: string, { version, outputs }: InferAnswer): object {
  return {
    model_name: model,
    model_version: version,
    id,
    outputs: outputs.map(({ name, tensor }) => ({ name, datatype: tensor.type, shape: tensor.dims })),
    raw_output_contents: outputs.map(({ tensor }) => tensor.data),
  };
}

/** A model's counters as the protocol and its REST form show them. */
export function statisticsRow(entry: Entry): object {
  const { inference_stats, inference_count, execution_count, last_inference } = entry.statistics;
  const none = { count: 0, ns: 0 };
  const { compute_input, compute_infer, compute_output } = inference_stats;
  return {
    name: entry.name,
    version: entry.version,
    last_inference,
    inference_count,
    execution_count,
    inference_stats: { ...inference_stats, cache_hit: none, cache_miss: none },
    batch_stats: execution_count === 0 ? [] : [{ batch_size: 1, compute_input, compute_infer, compute_output }],
    memory_usage: [{ type: "CPU", id: 0, byte_size: entry.loaded?.peak_bytes ?? 0 }],
  };
}

/** One inference from the bytes of its request, which another process decodes where they are many. */
type Infer = (message: Buffer, signal: AbortSignal) => Promise<{ id: string; answer: object } | InferFault>;
interface InferFault {
  id: string;
  error: Error;
}

function inferring(server: InferenceServer, converter: Converter): Infer {
  return async (message, signal) => {
    let id = "";
    try {
      const decoded = await converter.do("grpcRequest", grpcWork(message), message);
      id = decoded.id;
      if ("fault" in decoded) return { id, error: invalid(decoded.fault) };
      const { request } = decoded;
      return { id, answer: inferResponse(request.model, id, await server.infer(request, signal)) };
    } catch (error) {
      return { id, error: error as Error };
    }
  };
}

/** One answer per request, in their order; an error is an answer as well, and the stream goes on. */
function stream(infer: Infer, call: DuplexStream<Buffer, object>): void {
  const abort = new AbortController();
  let tail: Promise<unknown> = Promise.resolve();
  call.on("cancelled", () => abort.abort());
  call.on("data", (message: Buffer) => {
    const pending = infer(message, abort.signal);
    tail = tail.then(async () => {
      const done = await pending;
      if (abort.signal.aborted) return;
      const parameters = { triton_final_response: { bool_param: true } };
      if ("answer" in done) call.write({ infer_response: { ...done.answer, parameters } });
      else call.write({ error_message: done.error.message, infer_response: { id: done.id } });
    });
  });
  call.on("end", () => void tail.then(() => call.end()));
}

const refused = (what: string) =>
  unary(() => {
    throw new AgentError("not-supported", `${what} is not supported by this server`);
  });

/** GRPCInferenceService over the calls of `InferenceServer`. */
export function inferenceImplementation(
  server: InferenceServer,
  repository: Repository,
  artifacts: ArtifactStore,
  converter: Converter,
): Implementation {
  const infer = inferring(server, converter);
  return {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: true })),
    ServerMetadata: unary(() => server.metadata()),
    ModelReady: unary(({ name, version }: Named) => ({ ready: server.modelReady(name, version) })),
    ModelMetadata: unary(({ name, version }: Named) => server.modelMetadata(name, version)),
    ModelConfig: unary(async ({ name, version }: Named) => ({ config: await server.modelConfig(name, version) })),
    ModelStatistics: unary(({ name, version }: Named) => ({
      model_stats: server.statistics(name, version).map(statisticsRow),
    })),
    ModelInfer: unary(async (message: Buffer, signal) => {
      const done = await infer(message, signal);
      if ("error" in done) throw done.error;
      return done.answer;
    }),
    ModelStreamInfer: (call: DuplexStream<Buffer, object>) => stream(infer, call),
    RepositoryIndex: unary(({ ready }: { ready: boolean }) => ({ models: server.index(ready) })),
    RepositoryModelLoad: unary(
      async ({ model_name, parameters }: { model_name: string; parameters: Record<string, Parameter> }) => {
        const files = new Map<string, Uint8Array>();
        for (const [key, parameter] of Object.entries(parameters)) {
          const value = parameterValue(parameter);
          if (value instanceof Uint8Array) files.set(key, value);
        }
        await deployFiles(model_name, files, parameterValue(parameters["config"]), repository, artifacts);
        return {};
      },
    ),
    RepositoryModelUnload: unary(({ model_name }: { model_name: string }) => {
      server.unload(model_name);
      return {};
    }),
    SystemSharedMemoryStatus: refused("shared memory"),
    SystemSharedMemoryRegister: refused("shared memory"),
    SystemSharedMemoryUnregister: refused("shared memory"),
    CudaSharedMemoryStatus: refused("shared memory"),
    CudaSharedMemoryRegister: refused("shared memory"),
    CudaSharedMemoryUnregister: refused("shared memory"),
    TraceSetting: refused("tracing"),
    LogSettings: refused("changing the log settings"),
  };
}
