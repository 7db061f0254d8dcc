import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AgentError } from "../errors.ts";
import type { Tensor, TensorInfo } from "../runtimes/runtime.ts";
import type { MeasureSpec, ModelReply, ModelRequest } from "./messages.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

export interface ModelProcessEvents {
  onProcess(pid: number | null): void;
  onMarker(level: 0 | 1, at_ns: bigint): void;
  onCpuTime(cpu_ns: bigint, at_ns: bigint): void;
}

type Pending = { onReply: (reply: Extract<ModelReply, { call: number }>) => void; fail: (error: Error) => void };

/** A model in a process of its own: a crash there costs that process alone. */
export class ModelProcess {
  inputs: TensorInfo[] = [];
  outputs: TensorInfo[] = [];
  runtime = { name: "", version: "" };
  load_ms = 0;
  alive = true;
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private nextCall = 1;

  private constructor(events: ModelProcessEvents) {
    this.child = fork(main, [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [],
    });
    events.onProcess(this.child.pid ?? null);
    this.child.on("message", (reply: ModelReply) => {
      if (reply.kind === "marker") events.onMarker(reply.level, reply.at_ns);
      else if (reply.kind === "cpu-time") events.onCpuTime(reply.cpu_ns, reply.at_ns);
      else this.pending.get(reply.call)?.onReply(reply);
    });
    this.child.on("exit", (code, signal) => {
      this.alive = false;
      events.onProcess(null);
      for (const entry of this.pending.values()) {
        entry.fail(new AgentError("unavailable", `the model's process ended (${signal ?? `exit ${code}`})`));
      }
      this.pending.clear();
    });
    this.child.on("error", (error) => {
      this.alive = false;
      process.stderr.write(`model process: ${error.message}\n`);
    });
  }

  /** Starts a process and loads a model into it; rejects with `unavailable` when it cannot be loaded. */
  static async start(
    file: string,
    runtime: string,
    threads: number,
    events: ModelProcessEvents,
  ): Promise<ModelProcess> {
    const made = new ModelProcess(events);
    try {
      await made.call({ op: "load", file, runtime, threads }, (reply) => {
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

  async infer(tensors: Tensor[]): Promise<Tensor[]> {
    let outputs: Tensor[] = [];
    await this.call({ op: "infer", tensors }, (reply) => {
      if (reply.kind === "inferred") outputs = reply.outputs;
      return reply.kind === "inferred";
    });
    return outputs;
  }

  async measure(spec: MeasureSpec, onReply: (reply: ModelReply) => void): Promise<void> {
    await this.call({ op: "measure", spec }, (reply) => {
      onReply(reply);
      return reply.kind === "measured";
    });
  }

  stop(): void {
    this.child.kill("SIGKILL");
  }

  /** Sends a request; `onReply` returns true for the reply that ends it. */
  private call(request: ModelRequest, onReply: (reply: ModelReply) => boolean): Promise<void> {
    if (!this.alive) return Promise.reject(new AgentError("unavailable", "the model's process has ended"));
    const call = this.nextCall++;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.pending.delete(call);
      };
      this.pending.set(call, {
        onReply: (reply) => {
          if (reply.kind === "failed") {
            end();
            reject(new AgentError("invalid-argument", reply.message));
          } else if (onReply(reply)) {
            end();
            resolve();
          }
        },
        fail: reject,
      });
      this.child.send({ call, request }, (error) => {
        if (error === null) return;
        end();
        reject(new AgentError("unavailable", error.message));
      });
    });
  }
}
