import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announce, type Presence, tellParent } from "@mltb/agent-kit";
import { Repository } from "./repository.ts";
import { serveGrpc } from "./service.ts";

const VERSION = "0.1.0";
const DEFAULT_PORT = 8001;

export interface InferenceAgentOptions {
  models?: string;
  runtime: string;
  threads: number;
  grpc?: { host: string; port: number };
  mqtt?: false | string;
  mqttUser?: string;
  mqttPasswordFile?: string;
  bay?: string;
  name?: string;
  target?: string;
}

/** What the agent needs from whoever runs it. */
export interface AgentIo {
  signal: AbortSignal;
  /** Prints a line on standard output. */
  line(text: string): void;
}

/** Expected reasons for which an agent does not start; `kind` chooses the exit code. */
export class AgentStartError extends Error {
  readonly kind: "usage" | "unreachable";
  readonly suggestion: string | undefined;

  constructor(kind: "usage" | "unreachable", message: string, suggestion?: string) {
    super(message);
    this.kind = kind;
    this.suggestion = suggestion;
  }
}

function loopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Serves models until the signal aborts or the starting process is gone; then drains and ends its model processes. */
export async function runInferenceAgent(options: InferenceAgentOptions, io: AgentIo): Promise<void> {
  const host = options.grpc?.host ?? "127.0.0.1";
  if (!loopback(host)) {
    throw new AgentStartError(
      "usage",
      `${host} is not a loopback address`,
      "this version serves loopback addresses only",
    );
  }
  const supplied = process.send !== undefined;
  const repository = new Repository({
    folder: options.models,
    deployFolder: join(tmpdir(), `mltb-agent-${process.pid}`),
    runtime: options.runtime,
    threads: options.threads,
    events: {
      onProcess: (pid) => tellParent({ type: "model-process", pid }),
      onMarker: (level, at_ns) => tellParent({ type: "marker", level, at_ns: at_ns.toString() }),
      onCpuTime: (cpu_ns, at_ns) =>
        tellParent({ type: "cpu-time", cpu_ns: cpu_ns.toString(), at_ns: at_ns.toString() }),
    },
  });
  const service = await serve(repository, options, host, supplied);
  const address = `${host}:${service.port}`;
  let presence: Presence | undefined;
  if (typeof options.mqtt === "string") presence = await present(options, address, supplied);

  io.line(JSON.stringify({ event: "ready", grpc: address, http: null, metrics: null }));
  tellParent({ type: "ready", grpc: address });

  await new Promise<void>((resolve) => {
    io.signal.addEventListener("abort", () => resolve(), { once: true });
    if (io.signal.aborted) resolve();
    // Whoever supplies the power is gone: a board without power computes nothing.
    process.once("disconnect", () => resolve());
  });
  await presence?.close();
  await service.close();
  await repository.close();
  // The open channel would keep this process from ending.
  if (process.connected) process.disconnect();
}

async function serve(
  repository: Repository,
  options: InferenceAgentOptions,
  host: string,
  marker: boolean,
): Promise<Awaited<ReturnType<typeof serveGrpc>>> {
  const common = { repository, host, threads: options.threads, marker, version: VERSION };
  try {
    return await serveGrpc({ ...common, port: options.grpc?.port ?? DEFAULT_PORT });
  } catch (error) {
    if (options.grpc === undefined) return serveGrpc({ ...common, port: 0 });
    throw new AgentStartError(
      "unreachable",
      `port ${options.grpc.port} on ${host}: ${(error as Error).message}`,
      "name another port, or 0 for a free one",
    );
  }
}

async function present(options: InferenceAgentOptions, address: string, supplied: boolean): Promise<Presence> {
  const name = options.name ?? "inference";
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
        // The runtime itself is loaded with the first model; its version comes with every measurement.
        runtime: { name: options.runtime, version: "" },
        threads: options.threads,
        grpc: address,
        http: null,
        metrics: null,
        marker: supplied ? "simulated" : "none",
        pid: process.pid,
        at: new Date().toISOString(),
      },
    });
  } catch (error) {
    throw new AgentStartError("unreachable", (error as Error).message);
  }
}
