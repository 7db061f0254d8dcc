import { readdirSync, readFileSync } from "node:fs";

/** Text of a file of the system, without space around it; null where it is not there, as in containers and virtual machines. */
export function systemText(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}

/** Names in a folder of the system that begin so; none where it is not there. */
export function systemNames(folder: string, beginning: string): string[] {
  try {
    return readdirSync(folder).filter((entry) => entry.startsWith(beginning));
  } catch {
    return [];
  }
}
