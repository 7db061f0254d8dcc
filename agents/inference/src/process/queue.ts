import { AgentError } from "../errors.ts";
import type { ModelReply, ModelRequest } from "./messages.ts";

/** Requests that wait for one model at most; more are refused. */
const LONGEST = 4096;
/** Inferences sent ahead, so that the process finds the next one when it has answered. Anything else runs alone. */
const AHEAD = 2;

type Answer = Extract<ModelReply, { call: number }>;

/** A request on its way through a model's process. */
export interface Job {
  call: number;
  request: ModelRequest;
  parts: readonly Uint8Array[];
  /** Longest time from its turn, and from each reply that does not end it, to the next one. A reply may change it. */
  limit_s: number;
  /** The limit of what follows a reply, where it is another one. */
  limitAfter?(reply: Answer): number;
  onReply(reply: Answer, body: Uint8Array): boolean;
  resolve(waited_ns: number): void;
  reject(error: Error): void;
  waited_ns: number;
}

/** First come, first served; one turn at a time, each with its time limit. */
export class JobQueue {
  private readonly send: (job: Job) => void;
  private readonly onOvertime: (job: Job) => void;
  private readonly waiting: Job[] = [];
  private readonly sent: Job[] = [];
  private readonly since = new Map<Job, bigint>();
  private timer: NodeJS.Timeout | undefined;

  constructor(send: (job: Job) => void, onOvertime: (job: Job) => void) {
    this.send = send;
    this.onOvertime = onOvertime;
  }

  get length(): number {
    return this.waiting.length + this.sent.length;
  }

  /** False where too many wait. */
  add(job: Job): boolean {
    if (this.waiting.length >= LONGEST) return false;
    this.since.set(job, process.hrtime.bigint());
    this.waiting.push(job);
    this.pump();
    return true;
  }

  /** Takes a job that still waits out of the queue; false where it has been sent. */
  remove(job: Job): boolean {
    const at = this.waiting.indexOf(job);
    if (at < 0) return false;
    this.waiting.splice(at, 1);
    this.since.delete(job);
    return true;
  }

  runs(job: Job): boolean {
    return this.sent.includes(job);
  }

  /** A reply of the process; those of calls that are no longer known are dropped. */
  reply(reply: Answer, body: Uint8Array): void {
    const job = this.sent[0];
    if (job === undefined || job.call !== reply.call) return;
    if (reply.kind === "failed") {
      this.end(job);
      job.reject(new AgentError(reply.fault === "request" ? "invalid-argument" : "unavailable", reply.message));
    } else if (job.onReply(reply, body)) {
      this.end(job);
      job.resolve(job.waited_ns);
    } else {
      job.limit_s = job.limitAfter?.(reply) ?? job.limit_s;
      this.arm(job);
    }
  }

  /** The process is gone: everything fails. */
  fail(error: Error): void {
    clearTimeout(this.timer);
    for (const job of [...this.sent.splice(0), ...this.waiting.splice(0)]) job.reject(error);
    this.since.clear();
  }

  private end(job: Job): void {
    this.sent.shift();
    this.since.delete(job);
    clearTimeout(this.timer);
    const next = this.sent[0];
    if (next !== undefined) this.turn(next);
    this.pump();
  }

  private pump(): void {
    for (let next = this.waiting[0]; next !== undefined && this.fits(next); next = this.waiting[0]) {
      this.waiting.shift();
      this.sent.push(next);
      if (this.sent.length === 1) this.turn(next);
      this.send(next);
    }
  }

  private fits(job: Job): boolean {
    if (this.sent.length === 0) return true;
    const inferences = this.sent.every((entry) => entry.request.op === "infer") && job.request.op === "infer";
    return inferences && this.sent.length < AHEAD;
  }

  private turn(job: Job): void {
    job.waited_ns = Number(process.hrtime.bigint() - (this.since.get(job) ?? 0n));
    this.arm(job);
  }

  private arm(job: Job): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onOvertime(job), job.limit_s * 1000);
    this.timer.unref();
  }
}
