import { bootId, processStart } from "@mltb/contract";

/**
 * What no other process of this machine has had under its id: the boot and the tick in which it began. Null where the system does
 * not tell, or no such process lives.
 */
export function identityOf(pid: number): string | null {
  const [boot, started] = [bootId(), processStart(pid)];
  return boot === null || started === null ? null : `${boot}/${started}`;
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
