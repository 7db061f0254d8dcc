import { Worker } from "node:worker_threads";
import { AgentError } from "../errors.ts";
import { type Conversion, type ConversionName, type ConversionReply, conversions } from "./conversions.ts";
import { buffersOf } from "./transfer.ts";

/** From this size on a conversion takes milliseconds, and is done in a thread of its own. */
const LARGE_BYTES = 256 * 1024;
/** Heap of that thread: a JSON body of the longest text that V8 holds, as values, fits. */
const HEAP_MIB = 8192;

/** Conversions that wait at most; what they hold stays in memory. */
const LONGEST = 256;

interface Waiting {
  name: ConversionName;
  args: unknown[];
  transfer: ArrayBuffer[];
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Converts requests and answers: small ones at once, large ones one after the other in a thread, so that the agent's own
 * thread goes on answering. A conversion that ends the thread, for want of memory, is refused, and the next one gets a new
 * thread.
 */
export class Converter {
  private readonly waiting: Waiting[] = [];
  private running: Waiting | undefined;
  private thread: Worker | undefined;

  /**
   * Does a conversion of `bytes` bytes. The buffers of `owned` change hands: whoever calls must have no other use for
   * them. Throws `AgentError` for what cannot be converted.
   */
  do<K extends ConversionName>(
    name: K,
    bytes: number,
    owned: unknown,
    ...args: Parameters<Conversion<K>>
  ): ReturnType<Conversion<K>> | Promise<ReturnType<Conversion<K>>> {
    if (bytes < LARGE_BYTES) {
      const conversion = conversions[name] as (...given: unknown[]) => ReturnType<Conversion<K>>;
      return conversion(...args);
    }
    if (this.waiting.length >= LONGEST) throw new AgentError("unavailable", "too many large requests wait");
    return new Promise((resolve, reject) => {
      const settle = { resolve: resolve as (result: unknown) => void, reject };
      this.waiting.push({ name, args, transfer: buffersOf(owned), ...settle });
      this.next();
    });
  }

  close(): void {
    void this.thread?.terminate();
  }

  private next(): void {
    if (this.running !== undefined) return;
    this.running = this.waiting.shift();
    if (this.running === undefined) return;
    const { name, args, transfer } = this.running;
    this.thread ??= this.start();
    this.thread.postMessage({ name, args }, transfer);
  }

  private start(): Worker {
    const thread = new Worker(new URL("./conversion-thread.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    // What waits in it keeps its caller's connection open; the thread itself keeps nothing alive.
    thread.unref();
    thread.on("message", (reply: ConversionReply) => this.settle(reply));
    thread.on("error", (error: NodeJS.ErrnoException) => {
      this.thread = undefined;
      const memory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      const message = memory ? "its values do not fit into memory; send large tensors as raw bytes" : error.message;
      this.settle({ refused: { kind: memory ? "too-large" : "unavailable", message } });
    });
    return thread;
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
