import { Worker } from "node:worker_threads";

/** Statements that write for one checkpoint; they come to about 1,000 pages, after which SQLite would make one by itself. */
const WRITES = 250;

const checkpointThread = (file: string): Worker =>
  new Worker(new URL("./checkpoint-thread.ts", import.meta.url), { workerData: file });

/**
 * Checkpoints of the state store in a thread of their own. A checkpoint waits for the disk, 7 ms for 1,000 pages on an SSD,
 * and in the supervisor's thread commands would wait with it. A log that outgrows this thread, or a thread that cannot be had,
 * leaves the checkpoint to the connection that writes (`wal_autocheckpoint` of `Database`).
 */
export class Checkpoints {
  readonly counters = { made: 0, failed: 0 };
  private readonly file: string;
  private readonly make: (file: string) => Worker;
  private thread: Worker | undefined;
  private writes = 0;
  private underWay = false;

  /** @param make a thread for the file; throws where there is none to be had */
  constructor(file: string, make = checkpointThread) {
    this.file = file;
    this.make = make;
  }

  /** A statement has written; the thread is started at the first checkpoint that is due. */
  wrote(): void {
    this.writes += 1;
    if (this.writes < WRITES || this.underWay) return;
    this.writes = 0;
    try {
      this.thread ??= this.start();
      this.thread.postMessage("checkpoint");
      this.underWay = true;
    } catch {
      // No thread is to be had, as at a limit of processes: what was written stands, and the next checkpoint asks again.
      this.counters.failed += 1;
    }
  }

  private start(): Worker {
    const thread = this.make(this.file);
    const failed = (): void => {
      this.counters.failed += 1;
      this.underWay = false;
    };
    thread.on("message", (made: boolean) => {
      if (!made) return failed();
      this.counters.made += 1;
      this.underWay = false;
    });
    // What ends the thread is the end of that checkpoint; the next one starts another.
    thread.on("error", () => {
      this.thread = undefined;
      failed();
    });
    thread.unref();
    return thread;
  }

  /** Ends the thread; resolves when it has the file open no more. */
  async stop(): Promise<void> {
    this.underWay = true;
    await this.thread?.terminate();
    this.thread = undefined;
  }
}
