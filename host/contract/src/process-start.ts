import { readFileSync } from "node:fs";

/** When a process of this machine was started, in clock ticks since the boot; null where it is gone, or the system does not tell. */
export function processStart(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The program's name stands in parentheses and may hold spaces and parentheses; the state behind it is field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[22 - 3]);
  } catch {
    return null;
  }
}
