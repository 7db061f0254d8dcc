import type { ArtifactStore } from "@mltb/agent-kit";
import { datatype } from "../datatypes.ts";
import { AgentError, invalid } from "../errors.ts";
import { type DuplexStream, type Implementation, unary } from "../grpc.ts";
import type { Entry, Repository } from "../repository.ts";
import { deployFiles } from "./files.ts";
import type { GivenInput } from "./request.ts";
import type { InferAnswer, InferenceServer, InferRequest } from "./server.ts";

interface Named {
  name: string;
  version: string;
}

type Parameter = Record<string, unknown> & { parameter_choice?: string };

interface WireInput {
  name: string;
  datatype: string;
  shape: string[];
  parameters: Record<string, Parameter>;
  contents: Record<string, unknown[]> | null;
}

interface WireRequest {
  model_name: string;
  model_version: string;
  id: string;
  parameters: Record<string, Parameter>;
  inputs: WireInput[];
  outputs: { name: string; parameters: Record<string, Parameter> }[];
  raw_input_contents: Uint8Array[];
}

function parameterValue(parameter: Parameter | undefined): unknown {
  return parameter?.parameter_choice === undefined ? undefined : parameter[parameter.parameter_choice];
}

/** Typed contents of an input; undefined where there are none. */
function values(input: WireInput): unknown[] | undefined {
  const lists = Object.entries(input.contents ?? {}).filter(([, list]) => Array.isArray(list) && list.length > 0);
  const [first] = lists;
  if (first === undefined) return undefined;
  const wanted = datatype(input.datatype)?.contents;
  if (lists.length > 1 || first[0] !== wanted) {
    const given = lists.map(([name]) => name).join(", ");
    throw invalid(
      `input '${input.name}': values of ${input.datatype} go into ${wanted ?? "raw_input_contents"}, not ${given}`,
    );
  }
  return first[1];
}

function inputsOf(request: WireRequest): GivenInput[] {
  const { inputs, raw_input_contents: raw } = request;
  const typed = inputs.map(values);
  if (raw.length > 0 && typed.some((list) => list !== undefined))
    throw invalid("raw_input_contents and typed contents must not be mixed");
  if (raw.length > 0 && raw.length !== inputs.length)
    throw invalid(`${raw.length} raw_input_contents for ${inputs.length} inputs`);
  return inputs.map((input, i) => ({
    name: input.name,
    datatype: input.datatype,
    shape: input.shape.map(Number),
    data: given(raw[i], typed[i], input),
    parameters: Object.keys(input.parameters),
  }));
}

function given(raw: Uint8Array | undefined, typed: unknown[] | undefined, input: WireInput): GivenInput["data"] {
  if (raw !== undefined) return { raw };
  if (typed !== undefined) return { values: typed };
  // A tensor without elements has no contents to show.
  return input.shape.includes("0") ? { raw: new Uint8Array() } : undefined;
}

function inferRequest(request: WireRequest): InferRequest {
  return {
    model: request.model_name,
    version: request.model_version,
    inputs: inputsOf(request),
    outputs: request.outputs.map(({ name, parameters }) => {
      const classes = parameterValue(parameters["classification"]);
      return {
        name,
        ...(classes === undefined ? {} : { classification: Number(classes) }),
        parameters: Object.keys(parameters),
      };
    }),
    parameters: Object.keys(request.parameters),
  };
}

function inferResponse(request: WireRequest, { version, outputs }: InferAnswer): object {
  return {
    model_name: request.model_name,
    model_version: version,
    id: request.id,
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

/** One answer per request, in their order; an error is an answer as well, and the stream goes on. */
function stream(server: InferenceServer, call: DuplexStream<WireRequest, object>): void {
  const abort = new AbortController();
  let tail: Promise<unknown> = Promise.resolve();
  call.on("cancelled", () => abort.abort());
  call.on("data", (request: WireRequest) => {
    const answer = Promise.resolve()
      .then(() => server.infer(inferRequest(request), abort.signal))
      .then(
        (result) => ({
          infer_response: {
            ...inferResponse(request, result),
            parameters: { triton_final_response: { bool_param: true } },
          },
        }),
        (error: Error) => ({ error_message: error.message, infer_response: { id: request.id } }),
      );
    tail = tail.then(async () => {
      const message = await answer;
      if (!abort.signal.aborted) call.write(message);
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
): Implementation {
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
    ModelInfer: unary(async (request: WireRequest, signal) =>
      inferResponse(request, await server.infer(inferRequest(request), signal)),
    ),
    ModelStreamInfer: (call: DuplexStream<WireRequest, object>) => stream(server, call),
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
