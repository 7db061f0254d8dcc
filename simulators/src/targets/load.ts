import { availableParallelism } from "node:os";

/** CPU load over time, from readings of a process's CPU time. Times are world microseconds. */
export interface CpuLoad {
  /** A reading: the process had used `cpu_ns` at `at_us`. */
  reading(cpu_ns: bigint, at_us: number): void;
  /** The process is gone (or a new one comes): nothing is drawn after `at_us`. */
  end(at_us: number): void;
  /** Mean number of busy cores over an interval of the world. */
  busy(from_us: number, to_us: number): number;
}

/** The kernel brings a running thread's time up to date at its tick (4 ms at 250 Hz): no change sooner means nothing. */
const TICK_US = 12_000;

/** Processors of a simulated target: what a machine with more of them runs at once is more than the target could. */
const TARGET_PROCESSORS = 2;

interface Segment {
  from_us: number;
  to_us: number;
  cores: number;
}

/** Keeps the share of busy cores between consecutive readings. The world asks later, when both ends are known. */
export function createCpuLoad(processors: number = Math.min(TARGET_PROCESSORS, availableParallelism())): CpuLoad {
  let segments: Segment[] = [];
  let last: { cpu_ns: bigint; at_us: number } | undefined;
  return {
    reading(cpu_ns, at_us) {
      if (last !== undefined && cpu_ns === last.cpu_ns && at_us - last.at_us < TICK_US) return;
      if (last !== undefined && at_us > last.at_us) {
        const used_us = Math.max(0, Number(cpu_ns - last.cpu_ns) / 1000);
        // More time than the processors could give since the last reading was charged late: it belongs before it too.
        const from_us = Math.min(last.at_us, at_us - used_us / processors);
        segments.push({ from_us, to_us: at_us, cores: used_us / (at_us - from_us) });
      }
      last = { cpu_ns, at_us };
    },
    end() {
      last = undefined;
    },
    busy(from_us, to_us) {
      let sum = 0;
      for (const segment of segments) {
        const overlap = Math.min(to_us, segment.to_us) - Math.max(from_us, segment.from_us);
        if (overlap > 0) sum += overlap * segment.cores;
      }
      if (segments.length > 64) segments = segments.filter((segment) => segment.to_us > from_us);
      // Readings that were charged late overlap: more than its processors nothing can be busy.
      return Math.min(processors, sum / (to_us - from_us));
    },
  };
}
