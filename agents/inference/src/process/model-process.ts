import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import { AgentError } from "../errors.ts";
import { programOf } from "../runtimes/index.ts";
import type { ModelSource, Tensor, TensorInfo } from "../runtimes/runtime.ts";
import { bodyParts, Channel } from "./channel.ts";
import type { Isolation, ModelFolder } from "./isolation.ts";
import { dataLimit, type Limits, MemoryWatch } from "./limits.ts";
import { type MeasureSpec, type ModelReply, type ModelRequest, packTensors } from "./messages.ts";
import { type Job, JobQueue } from "./queue.ts";

/** A machine under load may need long to start a runtime: loading has this time at least. */
const LOAD_S = 60;
/** After a cancel, how long a runtime call may still run before its process is killed. */
const CANCEL_MS = 2000;

export interface ModelProcessEvents {
  onProcess(pid: number | null): void;
  onMarker(level: 0 | 1, at_ns: bigint): void;
  onCpuTime(cpu_ns: bigint, at_ns: bigint): void;
}

export interface ModelProcessOptions {
  source: ModelSource;
  runtime: string;
  isolation: Isolation;
  limits: Limits;
  events: ModelProcessEvents;
}

/** Nanoseconds of one inference by the clock of the model's process, and of its wait for its turn. */
export interface InferTimes {
  queue_ns: number;
  pre_ns: number;
  inference_ns: number;
  post_ns: number;
}

type Answer = Extract<ModelReply, { call: number }>;

/** A model in a process of its own: a crash, an endless loop or a flood of memory there costs that process alone. */
export class ModelProcess {
  inputs: TensorInfo[] = [];
  outputs: TensorInfo[] = [];
  runtime = { name: "", version: "" };
  load_ms = 0;
  /** Why it ended; undefined while it lives. */
  ended: string | undefined;
  readonly network: Isolation["network"];
  readonly model_folder: ModelFolder;
  private readonly child: ChildProcess;
  private readonly channel: Channel;
  private readonly queue: JobQueue;
  private readonly watch: MemoryWatch;
  private readonly limits: Limits;
  /** Why it is being killed, for the error that callers get. */
  private verdict: string | undefined;
  private nextCall = 1;

  private constructor({ source, runtime, isolation, limits, events }: ModelProcessOptions) {
    this.limits = limits;
    const { program, needsNetwork } = programOf(runtime);
    const command = [...isolation.command(dirname(source.file), dataLimit(limits), needsNetwork), ...program];
    this.network = needsNetwork ? "not isolated" : isolation.network;
    this.model_folder = needsNetwork ? "writable" : isolation.model_folder;
    this.child = spawn(command[0] as string, command.slice(1), {
      // What a runtime prints must not stand among the agent's own lines.
      stdio: ["ignore", 2, 2, "pipe"],
      // Nothing of the agent's environment but what finds programs: no secret can be read from inside.
      env: { PATH: process.env["PATH"], LANG: "C.UTF-8", ORT_DISABLE_TELEMETRY: "1" },
    });
    const socket = this.child.stdio[3] as Socket;
    // A process that dies in the middle of a frame: `exit` tells it.
    socket.on("error", () => undefined);
    this.queue = new JobQueue(
      (job) => this.start(job),
      (job) => this.overtime(job),
    );
    this.channel = new Channel(socket, (header, body) => this.take(header as ModelReply, body, events));
    events.onProcess(this.child.pid ?? null);
    this.watch = new MemoryWatch(this.child.pid, limits.memory_bytes, (bytes) =>
      this.kill(`it used ${mebi(bytes)} MiB of memory; ${mebi(limits.memory_bytes)} are allowed`),
    );
    this.child.on("exit", (code, signal) => {
      const how = signal ?? `exit ${code}`;
      this.finish(`the model's process ended (${how}${this.verdict === undefined ? "" : `: ${this.verdict}`})`);
      events.onProcess(null);
    });
    this.child.on("error", (error) => this.finish(`the model's process could not be started: ${error.message}`));
  }

  /** Starts a process and loads a model into it; rejects with `unavailable` when it cannot be loaded. */
  static async start(options: ModelProcessOptions): Promise<ModelProcess> {
    const made = new ModelProcess(options);
    const { runtime, source } = options;
    try {
      const limit_s = Math.max(LOAD_S, made.limits.time_s);
      await made.call({ op: "load", runtime, ...source }, [], limit_s, (reply) => {
        if (reply.kind !== "loaded") return false;
        made.inputs = reply.inputs;
        made.outputs = reply.outputs;
        made.runtime = reply.runtime;
        made.load_ms = reply.load_ms;
        return true;
      });
    } catch (error) {
      made.stop();
      throw new AgentError("unavailable", (error as Error).message);
    }
    return made;
  }

  get alive(): boolean {
    return this.ended === undefined;
  }

  /** Largest resident size so far. */
  get peak_bytes(): number {
    return this.watch.peak_bytes;
  }

  /** Calls that wait or run. */
  get pending(): number {
    return this.queue.length;
  }

  /** One inference with tensors in the model's order. An abort while it waits takes it out of the queue. */
  async infer(tensors: Tensor[], signal?: AbortSignal): Promise<{ outputs: Tensor[]; times: InferTimes }> {
    const { heads, parts } = packTensors(tensors);
    const times: InferTimes = { queue_ns: 0, pre_ns: 0, inference_ns: 0, post_ns: 0 };
    let outputs: Tensor[] = [];
    const onReply = (reply: Answer, body: Uint8Array): boolean => {
      if (reply.kind !== "inferred") return false;
      const data = bodyParts(
        body,
        reply.tensors.map((head) => head.bytes),
      );
      outputs = reply.tensors.map(({ type, dims }, i) => ({ type, dims, data: data[i] as Uint8Array }));
      Object.assign(times, { pre_ns: reply.pre_ns, inference_ns: reply.inference_ns, post_ns: reply.post_ns });
      return true;
    };
    times.queue_ns = await this.call({ op: "infer", tensors: heads }, parts, this.limits.time_s, onReply, signal);
    return { outputs, times };
  }

  /** Measures; inferences of others wait meanwhile. An abort ends it, at the latest by the end of the process. */
  async measure(
    spec: Omit<MeasureSpec, "sets">,
    sets: Tensor[][],
    onReply: (reply: ModelReply, body: Uint8Array) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const packed = sets.map(packTensors);
    const request: ModelRequest = { op: "measure", spec: { ...spec, sets: packed.map((set) => set.heads) } };
    const parts = packed.flatMap((set) => set.parts);
    const { warming_s, window_s } = stepLimits(spec, this.limits.time_s);
    await this.call(
      request,
      parts,
      warming_s,
      (reply, body) => {
        onReply(reply, body);
        return reply.kind === "measured";
      },
      signal,
      (reply) => (reply.kind === "warming" ? warming_s : window_s),
    );
    if (signal?.aborted === true) throw new AgentError("aborted", "cancelled");
  }

  /** The process that runs the model. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  stop(): void {
    this.kill("it was stopped");
  }

  private kill(verdict: string): void {
    this.verdict ??= verdict;
    this.child.kill("SIGKILL");
  }

  private finish(reason: string): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.watch.stop();
    this.queue.fail(new AgentError("unavailable", reason));
  }

  private overtime(job: Job): void {
    this.kill(`it took longer than ${job.limit_s} s`);
  }

  private start(job: Job): void {
    this.channel.send({ call: job.call, request: job.request }, job.parts);
  }

  /** Queues a request; resolves with the ns that it waited for its turn. `onReply` returns true for the reply that ends it. */
  private call(
    request: ModelRequest,
    parts: readonly Uint8Array[],
    limit_s: number,
    onReply: (reply: Answer, body: Uint8Array) => boolean,
    signal?: AbortSignal,
    limitAfter?: Job["limitAfter"],
  ): Promise<number> {
    if (this.ended !== undefined) return Promise.reject(new AgentError("unavailable", this.ended));
    const call = this.nextCall++;
    return new Promise((resolve, reject) => {
      const job: Job = { call, request, parts, limit_s, onReply, resolve, reject, waited_ns: 0 };
      if (limitAfter !== undefined) job.limitAfter = limitAfter;
      if (!this.queue.add(job)) {
        reject(new AgentError("unavailable", "too many requests wait for this model"));
        return;
      }
      // An inference that was sent at once runs to its end: nobody need listen for its caller's leaving.
      if (signal === undefined || (request.op === "infer" && this.queue.runs(job))) return;
      signal.addEventListener("abort", () => this.cancel(job), { once: true });
      if (signal.aborted) this.cancel(job);
    });
  }

  private cancel(job: Job): void {
    if (this.queue.remove(job)) job.reject(new AgentError("aborted", "cancelled"));
    else if (job.request.op === "measure" && this.queue.runs(job)) {
      this.channel.send({ call: job.call, request: { op: "cancel" } });
      setTimeout(() => {
        if (this.queue.runs(job)) this.kill("it did not stop when the measurement was cancelled");
      }, CANCEL_MS).unref();
    }
  }

  private take(reply: ModelReply, body: Uint8Array, events: ModelProcessEvents): void {
    if (reply.kind === "marker") events.onMarker(reply.level, BigInt(reply.at_ns));
    else if (reply.kind === "cpu-time") events.onCpuTime(BigInt(reply.cpu_ns), BigInt(reply.at_ns));
    else this.queue.reply(reply, body);
  }
}

/** How many times its length a window may last, where that is more than once. */
const LONGEST: Partial<Record<MeasureSpec["scenario"], number>> = { server: 2, offline: 8 };

/** What lies between two reports of a warm-up beside one inference, and what telling them takes. */
const REPORT_S = 0.5;

/**
 * Longest times between two replies while a model is measured, where one inference may take `limit_s`. The warm-up tells
 * how it goes on. Nothing is told inside a window: its last query begins before the window's end, in the server scenario
 * before the end of the one more that what has arrived is served in, and each of its samples may take as long as any. The
 * samples of an offline window are counted before it, and other work on the machine may make them slower than any in the warm-up.
 */
function stepLimits(spec: Omit<MeasureSpec, "sets">, limit_s: number): { warming_s: number; window_s: number } {
  const windows = LONGEST[spec.scenario] ?? 1;
  const samples = spec.scenario === "multi-stream" ? spec.samples_per_query : 1;
  const gaps_s = (2 * spec.gap_ms) / 1000;
  return {
    warming_s: limit_s + REPORT_S,
    window_s: windows * spec.window_s + samples * limit_s + gaps_s + REPORT_S,
  };
}

function mebi(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
