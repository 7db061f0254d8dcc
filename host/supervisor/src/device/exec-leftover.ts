import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";

const LOOK_MS = 100;

/** What switches a channel: each command as a list, without anything left to fill in. */
export interface Switching {
  channel: number;
  commands: string[][];
}

/** Whether a process runs a command: the program, or an interpreter that has it as its script. */
export function isRun(argv: string[], command: string[]): boolean {
  const at = argv.length - command.length;
  const [file = "", ...args] = command;
  return (
    at >= 0 && basename(argv[at] as string) === basename(file) && args.every((word, n) => argv[at + 1 + n] === word)
  );
}

/** Command lines of all processes that this user may see; none where the system has no /proc. */
async function commandLines(): Promise<string[][]> {
  const names = await readdir("/proc").catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return texts.filter((text) => text !== "").map((text) => text.replace(/\0$/, "").split("\0"));
}

/**
 * Waits for programs that switch these channels already: a supervisor that was killed leaves its own running, and one that
 * ends late would undo what is read or done meanwhile. `onFree` is called once for each channel: when none of its programs runs
 * any more, or after `limit_ms` (`late`). Nothing is ended here: whose program it is cannot be told. Never rejects.
 */
export async function awaitLeftovers(
  channels: Switching[],
  limit_ms: number,
  onFree: (channel: number, late: boolean) => void,
): Promise<void> {
  const began_ms = performance.now();
  for (let left = channels; left.length > 0; ) {
    const running = await commandLines();
    const late = performance.now() - began_ms >= limit_ms;
    const busy = left.filter(({ commands }) =>
      commands.some((command) => running.some((argv) => isRun(argv, command))),
    );
    for (const one of left) {
      const runs = busy.includes(one);
      if (late || !runs) onFree(one.channel, runs);
    }
    left = late ? [] : busy;
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
  }
}
