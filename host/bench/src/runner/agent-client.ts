import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { INSTANCE_KEY, protoFile } from "@mltb/contract";
import type { SeenEnvironment } from "../results/environment.ts";
import { floats, type MeasureEvent, told } from "./agent-answers.ts";
import type { AgentRoute } from "./agent-route.ts";
import { interruption, RunError } from "./bay-api.ts";
import { toNumbers } from "./tensor-numbers.ts";

/** The most that gRPC can carry, as the agents take it: sets of large inputs, and latencies of long windows. */
const MESSAGE_BYTES = 2 ** 31 - 1;
const CHUNK_BYTES = 256 * 1024;
/** A live agent answers in a millisecond; one on a board under load may take longer. */
const LIVE_MS = 5000;
/** A board that has just announced its agent is still busy with its start. */
const CONFIRM_MS = 20_000;

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
  /** Whether it could write into the folder of its model; agents of earlier versions do not tell. */
  model_folder?: string;
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

/** An output that no number can be read from: what it was to tell is not known, all else is. */
export class NoNumbersError extends RunError {}

/** What the bench asks of an inference agent. */
export interface AgentApi {
  /** `threads`: of the runtime; the agent's own number where it is not given. */
  deploy(name: string, sha256: string, bytes: Uint8Array, threads?: number): Promise<void>;
  inputs(model: string): Promise<ModelInput[]>;
  /** Runs one input set; gives the first output as numbers. Rejects with `NoNumbersError` where it has none. */
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

/** A call of any kind, as far as it is followed. */
interface Call {
  on(event: "metadata", listener: (metadata: grpc.Metadata) => void): unknown;
  cancel(): void;
}

type Client = grpc.Client & Record<string, (...args: unknown[]) => grpc.ClientReadableStream<unknown>>;
type ClientConstructor = new (address: string, credentials: grpc.ChannelCredentials, options: object) => Client;

function client(file: "open_inference_v2" | "mltb_agent_v1", path: string[], { address, ca }: AgentRoute): Client {
  const definition = loadSync(protoFile(file), { keepCase: true, longs: String, defaults: true, oneofs: true });
  let at: unknown = grpc.loadPackageDefinition(definition);
  for (const part of path) at = (at as Record<string, unknown>)[part];
  const credentials = ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(ca.pem);
  return new (at as ClientConstructor)(address, credentials, {
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
  });
}

const benchClient = (route: AgentRoute): Client => client("mltb_agent_v1", ["mltb", "agent", "v1", "Agent"], route);

/** What goes with every call: the token, where the agent wants one. */
function metadataOf({ token }: AgentRoute): grpc.Metadata {
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token.text}`);
  return metadata;
}

/**
 * Follows a call of `mltb.agent.v1.Agent`: that of another agent than the announced one is cancelled at its first word. Gives
 * what stands in the place of the call's own end; undefined where the announced agent answered.
 */
function answeredBy(call: Call | undefined, { address, instance }: AgentRoute) {
  let said: string | undefined;
  const other = (): boolean => instance !== undefined && said !== instance;
  call?.on("metadata", (metadata) => {
    said = metadata.get(INSTANCE_KEY)[0]?.toString() ?? "";
    if (other()) call.cancel();
  });
  return (error: grpc.ServiceError | null | undefined): RunError | undefined => {
    // What failed on the way was answered by nobody.
    if (!other() || (said === undefined && error != null)) return undefined;
    return new RunError(`another agent answers on ${address} than the one that was announced: nothing is asked of it`);
  };
}

/** Asks the agent of a route who it is. Rejects, with the mend, where it cannot be called or another one answers. */
export function confirmAgent(route: AgentRoute, signal: AbortSignal): Promise<void> {
  const bench = benchClient(route);
  return new Promise<void>((resolve, reject) => {
    const options = { deadline: Date.now() + CONFIRM_MS };
    const ended = (error: grpc.ServiceError | null): void => {
      const reason = signal.aborted ? interruption(signal) : by(error);
      if (reason === undefined && error === null) resolve();
      else reject(reason ?? new RunError(unreached(route, error as grpc.ServiceError)));
    };
    const call = bench["HasArtifact"]?.({ sha256: "" }, metadataOf(route), options, ended);
    const by = answeredBy(call, route);
    signal.addEventListener("abort", () => call?.cancel(), { once: true });
    if (signal.aborted) call?.cancel();
  }).finally(() => bench.close());
}

/** Why an agent could not be called, with the mend. */
function unreached({ address, ca, token }: AgentRoute, { code, details }: grpc.ServiceError): string {
  // grpc-js wraps the reason, and Node hints at other places for certificates than the bay file.
  const reason = /Last error: (?:Error[^:]*: )?(.*?)\.? Resolution note/.exec(details)?.[1] ?? details;
  const why = `the agent on ${address} cannot be called: ${reason.replace(/; if the root CA is .*/, "")}`;
  if (code === grpc.status.UNAUTHENTICATED) {
    if (token === undefined) return `${why}; give the target's agent \`token_file: FILE\` in the bay file`;
    return `${why}; is ${token.file} a copy of the agent's --token-file?`;
  }
  if (code === grpc.status.UNAVAILABLE && ca !== undefined)
    return `${why}; is ${ca.file} the certificate of the agent's --tls or its authority's, and does it name that host?`;
  return why;
}

/** An agent at a gRPC address; `route` tells how it is called otherwise than plainly, and who must answer. */
export function grpcAgent(address: string, route: Omit<AgentRoute, "address"> = {}): AgentApi {
  const way = { ...route, address };
  const oip = client("open_inference_v2", ["inference", "GRPCInferenceService"], way);
  const bench = benchClient(way);
  const metadata = metadataOf(way);

  function unary<A>(of: Client, method: string, request: unknown, options: grpc.CallOptions = {}): Promise<A> {
    return new Promise((resolve, reject) => {
      const ended = (error: grpc.ServiceError | null, answer: A): void => {
        const reason = by?.(error);
        if (error === null && reason === undefined) resolve(answer);
        else reject(reason ?? new RunError(`${method}: ${error?.details}`));
      };
      const call = of[method]?.(request, metadata, options, ended);
      const by = of === bench ? answeredBy(call, way) : undefined;
    });
  }

  return {
    async deploy(name, sha256, bytes, threads = 0) {
      // What the agent keeps already need not be sent again: the head alone names it.
      const { present } = await unary<{ present: boolean }>(bench, "HasArtifact", { sha256 });
      await new Promise<void>((resolve, reject) => {
        const call = bench["Deploy"]?.(metadata, (error: grpc.ServiceError | null) => {
          const reason = by(error);
          if (error === null && reason === undefined) resolve();
          else reject(reason ?? new RunError(`deploying ${name}: ${error?.details}`));
        });
        const by = answeredBy(call, way);
        const stream = call as unknown as grpc.ClientWritableStream<unknown>;
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
      const found = toNumbers(output.datatype, bytes);
      if (found === undefined) throw new NoNumbersError(`outputs of datatype ${output.datatype} have no numbers`);
      return found;
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
        const asked = {
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
        };
        const stream = bench["Measure"]?.(asked, metadata) as grpc.ClientReadableStream<MeasureEvent>;
        const by = answeredBy(stream, way);
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
          const reason = by(error);
          if (signal.aborted) reject(interruption(signal));
          else if (reason !== undefined) reject(reason);
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
              ...(done.model_folder === "" ? {} : { model_folder: done.model_folder }),
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
      const options = { deadline: Date.now() + LIVE_MS };
      // Where it is known who must answer, another one's life does not count.
      const asked =
        way.instance === undefined
          ? unary(oip, "ServerLive", {}, options)
          : unary(bench, "HasArtifact", { sha256: "" }, options);
      return asked.then(
        () => true,
        () => false,
      );
    },
    close() {
      oip.close();
      bench.close();
    },
  };
}
