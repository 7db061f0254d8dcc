import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const launch = fileURLToPath(new URL("./launch.sh", import.meta.url));

export type ModelFolder = "read-only" | "writable";

/** What the kernel grants for the processes of models. */
export interface Isolation {
  network: "isolated" | "not isolated";
  /** Whether a model's process can write beside the model. */
  model_folder: ModelFolder;
  /** Program and arguments that put a program with its arguments, appended, into its own process. */
  command(folder: string, data_bytes: number, needsNetwork: boolean): string[];
}

async function works(command: string[]): Promise<boolean> {
  const [file, ...args] = command as [string, ...string[]];
  try {
    await run(file, args, { timeout: 5000 });
    return true;
  } catch {
    // Not installed, or the kernel refuses: the birth says so.
    return false;
  }
}

/**
 * Tries the means of util-linux once: `prlimit` for RLIMIT_DATA (RLIMIT_AS would stop WebAssembly, which reserves gigabytes
 * without using them), `unshare` for a network without interfaces and mounts of its own, with a user namespace where the
 * agent is not root, `setpriv` for the end together with the agent. Mounts may be refused though their namespace is granted: a
 * write is tried.
 */
export async function probeIsolation(): Promise<Isolation> {
  const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const spaces = ["unshare", ...user, "--net", "--mount"];
  const ending = ["setpriv", "--pdeathsig", "KILL", "--"];
  const folder = await mkdtemp(join(tmpdir(), "mltb-isolation-"));
  const [limits, ends, spaced, kept] = await Promise.all([
    works(["prlimit", "--data=unlimited", "--", "true"]),
    works([...ending, "true"]),
    works([...spaces, "--", "sh", launch, "/proc/self", "true"]),
    works([...spaces, "--", "sh", launch, folder, "sh", "-c", '! touch "$0/written" 2>/dev/null', folder]),
  ]).finally(() => rm(folder, { recursive: true, force: true }));
  return {
    network: spaced ? "isolated" : "not isolated",
    model_folder: spaced && kept ? "read-only" : "writable",
    command(folder, data_bytes, needsNetwork) {
      const limit = limits ? ["prlimit", `--data=${data_bytes}`, "--"] : [];
      const space = spaced && !needsNetwork ? [...spaces, "--", "sh", launch, folder] : ends ? ending : [];
      return [...limit, ...space];
    },
  };
}
