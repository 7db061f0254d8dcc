import { readFileSync } from "node:fs";
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
const LOOK_EVERY_MS = 50;

export function dataLimit(limits: Limits): number {
  return limits.memory_bytes + OVERHEAD_BYTES;
}

/** Resident size of a process, and its largest so far where the kernel keeps it (`VmRSS` and `VmHWM` of proc(5)). */
export function residentOf(status: string): { now_bytes: number; peak_bytes: number } {
  const bytes = (key: string): number =>
    1024 * Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  const now_bytes = bytes("VmRSS");
  return { now_bytes, peak_bytes: Math.max(now_bytes, bytes("VmHWM")) };
}

/** Follows the resident size of a process; calls `onTooLarge` once when it passes the limit. */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly file: string;
  private largest_bytes = 0;
  private looking = false;

  constructor(pid: number | undefined, limit_bytes: number, onTooLarge: (bytes: number) => void) {
    this.file = `/proc/${pid}/status`;
    if (pid === undefined) return;
    this.timer = setInterval(() => {
      if (this.looking) return;
      this.looking = true;
      readFile(this.file, "utf8").then(
        (status) => {
          this.looking = false;
          const { now_bytes } = this.seen(status);
          if (now_bytes <= limit_bytes) return;
          this.stop();
          onTooLarge(now_bytes);
        },
        // The process has ended, or the system has no /proc: RLIMIT_DATA and the exit event are what remains.
        () => this.stop(),
      );
    }, LOOK_EVERY_MS);
    this.timer.unref();
  }

  /** Largest resident size so far: the kernel's own mark, so that no peak between two looks is missed. */
  get peak_bytes(): number {
    try {
      this.seen(readFileSync(this.file, "utf8"));
    } catch {
      // It has ended, or there is no /proc: what was seen before stands.
    }
    return this.largest_bytes;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private seen(status: string): { now_bytes: number } {
    const { now_bytes, peak_bytes } = residentOf(status);
    this.largest_bytes = Math.max(this.largest_bytes, peak_bytes);
    return { now_bytes };
  }
}
