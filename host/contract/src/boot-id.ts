import { readFileSync } from "node:fs";

/** What no two running systems share, containers on one aside: the kernel's boot id. Null where the system has none. */
export function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
