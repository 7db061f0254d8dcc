import { readdirSync, readFileSync } from "node:fs";

/** The thread list is read anew after this many readings. */
const RELIST = 10;

/**
 * CPU time of a process in nanoseconds: the sum of the first field of `schedstat` over its threads (Linux). A thread
 * that has ended keeps the last value that was seen. Undefined where the system does not show it, or when it is gone.
 */
export function createCpuTimeReader(pid: number): () => bigint | undefined {
  const seen = new Map<string, bigint>();
  let threads: string[] = [];
  let age = RELIST;
  return () => {
    try {
      if (age >= RELIST) {
        threads = readdirSync(`/proc/${pid}/task`);
        age = 0;
      }
      age += 1;
      // Throws when the whole process is gone; a single thread may end between listing and reading.
      readFileSync(`/proc/${pid}/schedstat`);
    } catch {
      return undefined;
    }
    for (const thread of threads) {
      try {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1");
        seen.set(thread, BigInt(text.slice(0, text.indexOf(" "))));
      } catch {
        age = RELIST;
      }
    }
    let sum = 0n;
    for (const value of seen.values()) sum += value;
    return sum;
  };
}
