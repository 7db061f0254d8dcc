import { readFile } from "node:fs/promises";

/** What a model's process may use. */
export interface Limits {
  /** Resident size; a process that grows beyond it is killed. */
  memory_bytes: number;
  /** Longest time of one inference; loading has a minute at least. */
  time_s: number;
}

export const defaultLimits: Limits = { memory_bytes: 2 * 1024 ** 3, time_s: 60 };

/** Address space that a runtime takes on top of what it uses: stacks, code, arenas. RLIMIT_DATA stands this far above. */
const OVERHEAD_BYTES = 1024 ** 3;
const PAGE_BYTES = 4096;
const LOOK_EVERY_MS = 50;

export function dataLimit(limits: Limits): number {
  return limits.memory_bytes + OVERHEAD_BYTES;
}

/** Follows the resident size of a process; calls `onTooLarge` once when it passes the limit. */
export class MemoryWatch {
  /** Largest resident size seen. */
  peak_bytes = 0;
  private readonly timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(pid: number | undefined, limit_bytes: number, onTooLarge: (bytes: number) => void) {
    if (pid === undefined) return;
    this.timer = setInterval(() => {
      if (this.looking) return;
      this.looking = true;
      readFile(`/proc/${pid}/statm`, "utf8").then(
        (text) => {
          this.looking = false;
          const bytes = Number(text.split(" ")[1]) * PAGE_BYTES;
          this.peak_bytes = Math.max(this.peak_bytes, bytes);
          if (bytes <= limit_bytes) return;
          this.stop();
          onTooLarge(bytes);
        },
        // The process has ended, or the system has no /proc: RLIMIT_DATA and the exit event are what remains.
        () => this.stop(),
      );
    }, LOOK_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
