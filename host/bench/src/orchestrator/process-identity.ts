import { readFileSync } from "node:fs";
import { bootId } from "@mltb/contract";

/** Where the start time stands behind the command's name in proc(5)'s `stat`, whose first field there is the third. */
const STARTED = 22 - 3;

/**
 * What no other process of this machine has had under its id: the boot and the tick in which it began. Null where the system does
 * not tell, or no such process lives.
 */
export function identityOf(pid: number): string | null {
  const boot = bootId();
  if (boot === null) return null;
  try {
    // A command's name may hold blanks and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return `${boot}/${fields[STARTED]}`;
  } catch {
    return null;
  }
}

/** Whether a process lives, and is the one that had this identity; without one any process of that id counts. */
export function livesAs(pid: number, identity: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  if (identity === null) return true;
  // What cannot be seen of a living process speaks for nobody else.
  return (identityOf(pid) ?? identity) === identity;
}
