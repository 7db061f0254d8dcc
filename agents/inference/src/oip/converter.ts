import { type ChildProcess, fork } from "node:child_process";
import { totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { AgentError } from "../errors.ts";
import { type Conversion, type ConversionName, type ConversionReply, conversions } from "./conversions.ts";
import { isLarge, type Work } from "./work.ts";

const program = fileURLToPath(new URL("./conversion-process.ts", import.meta.url));
/** Heap of that process: numbers of the longest text that V8 holds fit, and the machine keeps half of its memory. */
const HEAP_MIB = Math.floor(Math.min(4096, totalmem() / 2 ** 21));
/** Conversions that wait at most; what they hold stays in memory. */
const LONGEST = 256;

interface Waiting {
  name: ConversionName;
  args: unknown[];
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Converts requests and answers: small ones at once, large ones one after the other in a process of their own, so that the agent
 * goes on answering. A body whose values do not fit into memory ends that process, not the agent: a heap's limit stops a
 * whole process, whichever of its threads meets it. It is refused, and the next one gets a new process.
 */
export class Converter {
  private readonly waiting: Waiting[] = [];
  private running: Waiting | undefined;
  private child: ChildProcess | undefined;
  private readonly heap_mib: number;

  constructor(heap_mib = HEAP_MIB) {
    this.heap_mib = heap_mib;
  }

  /** Does a conversion. Throws `AgentError` for what cannot be converted. */
  do<K extends ConversionName>(
    name: K,
    work: Work,
    ...args: Parameters<Conversion<K>>
  ): ReturnType<Conversion<K>> | Promise<ReturnType<Conversion<K>>> {
    if (!isLarge(work)) {
      const conversion = conversions[name] as (...given: unknown[]) => ReturnType<Conversion<K>>;
      return conversion(...args);
    }
    if (this.waiting.length >= LONGEST) throw new AgentError("unavailable", "too many large requests wait");
    return new Promise((resolve, reject) => {
      this.waiting.push({ name, args, resolve: resolve as (result: unknown) => void, reject });
      this.next();
    });
  }

  close(): void {
    this.child?.kill("SIGKILL");
  }

  private next(): void {
    if (this.running !== undefined) return;
    this.running = this.waiting.shift();
    if (this.running === undefined) return;
    const { name, args } = this.running;
    this.child ??= this.start();
    // That it could not be sent is told by the child's end.
    this.child.send({ name, args }, () => undefined);
  }

  private start(): ChildProcess {
    const child = fork(program, [], {
      serialization: "advanced",
      execArgv: [`--max-old-space-size=${this.heap_mib}`],
      env: { PATH: process.env["PATH"], LANG: "C.UTF-8" },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // What waits in it keeps its caller's connection open; the process itself keeps nothing alive.
    child.unref();
    child.channel?.unref();
    child.on("message", (reply) => this.settle(reply as ConversionReply));
    child.on("error", (error) => this.gone(child, error.message));
    child.on("exit", () => this.gone(child, "its values do not fit into memory; send large tensors as raw bytes"));
    return child;
  }

  private gone(child: ChildProcess, message: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    if (this.running !== undefined) this.settle({ refused: { kind: "too-large", message } });
  }

  private settle(reply: ConversionReply): void {
    const done = this.running;
    this.running = undefined;
    if ("result" in reply) done?.resolve(reply.result);
    else if ("refused" in reply) done?.reject(new AgentError(reply.refused.kind, reply.refused.message));
    else done?.reject(new Error(reply.failed));
    this.next();
  }
}
