import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announce, artifactStore, type Birth, type Presence, tellParent } from "@mltb/agent-kit";
import { bootId, isWildcard } from "@mltb/contract";
import { addressesOf, advertised, type HostPort, type Places } from "./addresses.ts";
import { benchImplementation } from "./bench-service.ts";
import { MESSAGE_BYTES, serveGrpc } from "./grpc.ts";
import { openMarker } from "./marker.ts";
import { agentMetrics } from "./metrics.ts";
import { Converter } from "./oip/converter.ts";
import { inferenceImplementation } from "./oip/grpc-service.ts";
import { serveMetrics, serveRest } from "./oip/rest.ts";
import { InferenceServer } from "./oip/server.ts";
import { accessOf, checkFolder, checkName, foreignOf, type InferenceAgentOptions } from "./options.ts";
import { countTensorsWithHeap } from "./process/collector.ts";
import { type Isolation, probeIsolation } from "./process/isolation.ts";
import { defaultLimits, type Limits } from "./process/limits.ts";
import { Repository } from "./repository.ts";
import { foreignServer, runtimeIdentity, runtimeMissing, threadsOf } from "./runtimes/index.ts";
import { AgentStartError } from "./start-error.ts";
import { Visits } from "./visits.ts";

const VERSION = "0.1.0";
/** Triton's ports: REST, gRPC, metrics. */
const PORTS = { http: 8000, grpc: 8001, metrics: 8002 } as const;
/** A model that takes longer to load no longer holds up the ready line; it goes on loading. */
const READY_MS = 20_000;

/** Largest HTTP body unless the options name another limit. */
const BODY_BYTES = 2 ** 30;

/** What the agent needs from whoever runs it. */
export interface AgentIo {
  signal: AbortSignal;
  /** Prints a line on standard output. */
  line(text: string): void;
  /** Prints a line on standard error. */
  note(text: string): void;
}

/** Serves models until the signal aborts or the starting process is gone; then drains and ends its model processes. */
export async function runInferenceAgent(options: InferenceAgentOptions, io: AgentIo): Promise<void> {
  countTensorsWithHeap();
  const access = accessOf(options);
  checkFolder(options.models);
  checkName(options.name);
  const foreign = foreignOf(options);
  const missing = runtimeMissing(options.runtime);
  if (missing !== undefined) throw new AgentStartError("usage", missing);
  const supplied = process.send !== undefined;
  const line = options.marker === undefined ? undefined : openMarker(options.marker);
  const isolation = await probeIsolation();
  const limits: Limits = {
    memory_bytes: options.memoryLimit === undefined ? defaultLimits.memory_bytes : options.memoryLimit * 1024 ** 2,
    time_s: options.timeLimit ?? defaultLimits.time_s,
  };
  let presence: Presence | undefined;
  let measuring = 0;
  const note = (text: string): void => {
    io.note(text);
    presence?.log("warn", text);
  };
  const artifacts = artifactStore(join(tmpdir(), `mltb-agent-${process.pid}`));
  const repository = new Repository({
    folder: options.models,
    artifacts,
    runtime: options.runtime,
    server: foreign,
    threads: options.threads,
    note,
    process: {
      isolation,
      limits,
      events: {
        onProcess: (pid) => tellParent({ type: "model-process", pid }),
        onMarker: (level, at_ns) => {
          line?.set(level);
          tellParent({ type: "marker", level, at_ns: at_ns.toString() });
        },
        onCpuTime: (cpu_ns, at_ns) =>
          tellParent({ type: "cpu-time", cpu_ns: cpu_ns.toString(), at_ns: at_ns.toString() }),
      },
    },
  });
  const converter = new Converter();
  const visits = new Visits();
  const onCall = (): void => visits.seen();
  const server = new InferenceServer({ repository, version: VERSION, runtime: options.runtime, converter });
  const bench = benchImplementation({
    repository,
    artifacts,
    threads: options.threads,
    runtime: options.runtime,
    marker: supplied || line !== undefined,
    visits,
    onMeasuring: (running) => {
      // Two callers may measure two models at once.
      measuring += running ? 1 : -1;
      const busy = measuring > 0;
      // The model's process may have ended inside a window.
      if (!busy) line?.set(0);
      presence?.flags({ experiment_running: busy, available: !busy });
    },
    onStep: (report) => presence?.step(report),
  });
  const inference = inferenceImplementation(server, repository, artifacts, converter);
  const listeners: { port: number; close(): Promise<void> }[] = [];
  const listen = async (name: keyof typeof PORTS, serve: (at: HostPort) => Promise<(typeof listeners)[0]>) => {
    const listener = await bind(name, options[name], serve, note);
    listeners.push(listener);
    return { host: options[name]?.host ?? "127.0.0.1", port: listener.port };
  };
  const limit_bytes = options.messageLimit === undefined ? undefined : options.messageLimit * 1024 ** 2;
  const limits_bytes = { grpc: limit_bytes ?? MESSAGE_BYTES, http: limit_bytes ?? BODY_BYTES };
  const scheme = access.tls === undefined ? "http" : "https";
  const instance = randomUUID();
  try {
    const grpc = await listen("grpc", (at) =>
      serveGrpc({ ...at, access, inference, bench, instance, onCall, limit_bytes: limits_bytes.grpc }),
    );
    const rest = { access, server, repository, artifacts, converter, onCall, limit_bytes: limits_bytes.http };
    const http = await listen("http", (at) => serveRest({ ...at, ...rest }));
    const page = agentMetrics(repository, visits);
    const metrics = await listen("metrics", (at) =>
      serveMetrics({ ...at, access, ...page, onCall, limit_bytes: 1024 }),
    );
    const places: Places = { grpc, http, metrics };
    const opened = repository.open();
    const late = new Promise<void>((resolve) => setTimeout(resolve, READY_MS).unref());
    await Promise.race([opened, late, aborted(io.signal)]);
    if (typeof options.mqtt === "string") {
      const at = advertised(places, options.advertise);
      if (isWildcard(at.grpc.host)) note(`${at.grpc.host} is announced, which nobody can call; give --advertise HOST`);
      const called = { ...addressesOf(at, scheme), tls: access.tls !== undefined, instance, machine: bootId() };
      presence = await present(options, { called, supplied, isolation, limits, repository });
    }
    const ready = addressesOf(places, scheme);
    io.line(JSON.stringify({ event: "ready", ...ready }));
    tellParent({ type: "ready", grpc: ready.grpc });
    await Promise.race([aborted(io.signal), gone()]);
  } finally {
    await presence?.close();
    // Calls that run are answered; new ones are refused.
    await Promise.all(listeners.map((listener) => listener.close()));
    repository.close();
    converter.close();
    await artifacts.remove();
    line?.close();
    // The open channel would keep this process from ending.
    if (process.connected) process.disconnect();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}

/** Whoever supplies the power is gone: a board without power computes nothing. */
function gone(): Promise<void> {
  return new Promise((resolve) => process.once("disconnect", () => resolve()));
}

/** Binds a listener: the named port, or the default and, where that is taken, a free one. */
async function bind<T>(
  name: keyof typeof PORTS,
  at: HostPort | undefined,
  serve: (at: HostPort) => Promise<T>,
  note: (text: string) => void,
): Promise<T> {
  const wanted = at ?? { host: "127.0.0.1", port: PORTS[name] };
  try {
    return await serve(wanted);
  } catch (error) {
    if (at === undefined) {
      note(`port ${wanted.port} (${name}) is taken: a free one is used`);
      return serve({ ...wanted, port: 0 });
    }
    throw new AgentStartError(
      "unreachable",
      `port ${at.port} on ${at.host}: ${(error as Error).message}`,
      "name another port, or 0 for a free one",
    );
  }
}

async function present(
  options: InferenceAgentOptions,
  agent: {
    called: Pick<Birth, "grpc" | "http" | "metrics" | "tls" | "instance" | "machine">;
    supplied: boolean;
    isolation: Isolation;
    limits: Limits;
    repository: Repository;
  },
): Promise<Presence> {
  const name = options.name ?? "inference";
  const { repository, limits, isolation } = agent;
  try {
    return await announce({
      url: options.mqtt as string,
      user: options.mqttUser ?? "",
      password: options.mqttPasswordFile === undefined ? "" : readFileSync(options.mqttPasswordFile, "utf8").trim(),
      bay: options.bay ?? "demo",
      birth: {
        schema: "mltb.agent/1",
        name,
        target: options.target ?? name,
        kind: "inference",
        runtime: runtimeIdentity(options.runtime),
        threads: threadsOf(options.runtime, options.threads),
        ...agent.called,
        marker: agent.supplied ? "simulated" : options.marker === undefined ? "none" : "file",
        capabilities: ["infer", "deploy", "artifacts", "measure", "cancel"],
        ...(foreignServer(options.runtime) === undefined
          ? { network: isolation.network, model_folder: isolation.model_folder }
          : { network: "not isolated", model_folder: "writable" }),
        limits,
        pid: process.pid,
        at: new Date().toISOString(),
      },
      vitals: () => ({
        models: repository.entries().filter((entry) => repository.state(entry) === undefined).length,
        pending: repository.entries().reduce((sum, entry) => sum + (entry.loaded?.pending ?? 0), 0),
      }),
    });
  } catch (error) {
    throw new AgentStartError("unreachable", (error as Error).message);
  }
}
