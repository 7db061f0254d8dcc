import { randomUUID } from "node:crypto";
import { type ArtifactStore, readEnvironment, type StepReport } from "@mltb/agent-kit";
import { AgentError, invalid } from "./errors.ts";
import { type ClientStream, type Implementation, type ServerStream, toStatus, unary } from "./grpc.ts";
import { rawSet } from "./oip/request.ts";
import type { ModelReply } from "./process/messages.ts";
import { scenarios } from "./process/schedule.ts";
import { MODEL_BYTES, type Repository } from "./repository.ts";
import { engineOf, foreignServer, threadsOf } from "./runtimes/index.ts";
import type { Visits } from "./visits.ts";

const GAP_MS = 50;

interface Chunk {
  name: string;
  sha256: string;
  data: Uint8Array;
  threads?: number;
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
  seed: number;
  scenario: string;
  samples_per_query: number;
  target_per_s: number;
}

/** Samples of a query of the multi-stream scenario (MLPerf inference rules). */
const SAMPLES_PER_QUERY = 8;

/** The schedule that a request asks for; throws where it makes none. */
function schedule(request: MeasureRequest) {
  const scenario = scenarios.find((word) => word === (request.scenario || "single-stream"));
  if (scenario === undefined) throw invalid(`scenario ${request.scenario} is not known: ${scenarios.join(", ")}`);
  const { target_per_s } = request;
  if (scenario === "server" && !(target_per_s > 0 && target_per_s <= 1e6))
    throw invalid("the server scenario needs target_per_s, above 0 and at most 1e6");
  return {
    scenario,
    seed: request.seed,
    samples_per_query: request.samples_per_query || SAMPLES_PER_QUERY,
    target_per_s,
  };
}

/** The environment in the words of the wire: what is not known is left out. */
function environmentOf(pid: number | undefined, runtime: string) {
  const seen = { ...readEnvironment(pid ?? "self"), engine: engineOf(runtime) ?? null };
  return Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== null));
}

/** The event that goes out for a reply of the model's process; undefined where there is none. */
function measureEvent(reply: ModelReply, body: Uint8Array): Record<string, unknown> | undefined {
  if (reply.kind === "warmed") return { warmup_done: { inferences: reply.inferences } };
  if (reply.kind !== "window") return undefined;
  return { window_done: { ...reply.window, latency_us: body } };
}

/** The bytes of a deployment, none of them where it grows too large. */
async function* bytesOf(head: Chunk, rest: AsyncIterable<Chunk>): AsyncGenerator<Uint8Array> {
  let size = head.data.length;
  yield head.data;
  for await (const { data } of rest) {
    size += data.length;
    if (size > MODEL_BYTES) throw invalid(`a model has at most ${MODEL_BYTES} bytes`);
    yield data;
  }
}

/** mltb.agent.v1.Agent: deploying by content hash and measuring in the model's own process. */
export function benchImplementation(options: {
  repository: Repository;
  artifacts: ArtifactStore;
  threads: number;
  marker: boolean;
  visits: Visits;
  /** Told when a measurement begins and ends. */
  /** Runtime of the agent's models, as the command line names it. */
  runtime: string;
  onMeasuring(running: boolean): void;
  onStep(report: StepReport): void;
}): Implementation {
  const { repository, artifacts } = options;

  async function deploy(chunks: AsyncIterable<Chunk>): Promise<object> {
    const iterator = chunks[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true) throw invalid("no chunk was sent");
    const head = first.value;
    // A head without bytes asks for an artefact that was found to be here.
    if (head.data.length > 0 || !(await artifacts.has(head.sha256))) {
      const rest = { [Symbol.asyncIterator]: () => iterator };
      await artifacts.putStream(head.sha256, bytesOf(head, rest)).catch((error: Error) => {
        throw error instanceof AgentError ? error : invalid(error.message);
      });
    }
    const { version, process } = await repository.deploy(head.name, head.sha256, head.threads || undefined);
    return { name: head.name, version, load_ms: process.load_ms };
  }

  const Deploy: ClientStream<Chunk, object> = (call, callback) => {
    deploy(call).then(
      (reply) => callback(null, reply),
      (error) => callback(toStatus(error)),
    );
  };

  async function measure(call: ServerStream<MeasureRequest, object>, signal: AbortSignal): Promise<void> {
    const { request } = call;
    const { process, entry } = await loaded(repository, request);
    if (request.inputs.length === 0) throw invalid("at least one input set is needed");
    const inRange = request.window_s > 0 && request.window_s <= 3600 && request.windows >= 1 && request.windows <= 1000;
    if (!inRange) throw invalid("1 to 1000 windows of up to 3600 s are wanted");
    const spec = {
      warmup: request.warmup,
      windows: request.windows,
      window_s: request.window_s,
      gap_ms: request.gap_ms || GAP_MS,
      markers: request.markers,
      ...schedule(request),
    };
    const foreign = foreignServer(options.runtime) !== undefined;
    const before = environmentOf(process.pid, options.runtime);
    const sets = await Promise.all(request.inputs.map((set) => rawSet(set.raw_input_contents, process.inputs)));
    const report = (state: StepReport["state"], progress: number, message?: string): void =>
      options.onStep({
        id,
        step: `measure ${request.model_name}`,
        state,
        progress,
        ...(message === undefined ? {} : { message }),
      });
    const id = randomUUID();
    const onReply = (reply: ModelReply, body: Uint8Array): void => {
      const event = measureEvent(reply, body);
      if (event !== undefined) call.write(event);
      if (reply.kind === "window") report("running", (reply.window.index + 1) / spec.windows);
    };
    options.onMeasuring(true);
    report("running", 0);
    const measured = options.visits.measure();
    let requests_meanwhile = 0;
    try {
      await process.measure(spec, sets, onReply, signal);
      report("done", 1);
    } catch (error) {
      report(signal.aborted ? "cancelled" : "failed", 1, (error as Error).message);
      throw error;
    } finally {
      requests_meanwhile = measured();
      options.onMeasuring(false);
    }
    call.write({
      done: {
        runtime_name: process.runtime.name,
        runtime_version: process.runtime.version,
        threads: threadsOf(options.runtime, entry.threads ?? options.threads),
        marker_method: request.markers && options.marker ? "edges" : "host_clock",
        network: process.network,
        model_folder: process.model_folder,
        // Of a foreign server's machine and memory nothing is known here.
        ...(foreign
          ? {}
          : {
              peak_memory_bytes: process.peak_bytes,
              before,
              after: environmentOf(process.pid, options.runtime),
            }),
        requests_meanwhile,
      },
    });
  }

  return {
    Deploy,
    HasArtifact: unary(async ({ sha256 }: { sha256: string }) => ({ present: await artifacts.has(sha256) })),
    Measure: (call: ServerStream<MeasureRequest, object>) => {
      const abort = new AbortController();
      call.on("cancelled", () => abort.abort());
      measure(call, abort.signal).then(
        () => call.end(),
        // grpc-js ends a server stream with a status when it is emitted as its error; `destroy` would leave the client waiting.
        (error) => call.emit("error", toStatus(error)),
      );
    },
  };
}

async function loaded(repository: Repository, { model_name, model_version }: MeasureRequest) {
  const entry = repository.find(model_name, model_version);
  return { entry, process: await repository.process(entry) };
}
