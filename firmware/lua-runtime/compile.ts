import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ImageBuildError } from "./errors.ts";

const run = promisify(execFile);

/** Where everything that is built from C goes. */
export const dist = fileURLToPath(new URL("../dist/images", import.meta.url));

/** Lua's core and the libraries that the firmware may use: base, string, table, math. */
export const LUA = [
  ..."lapi lcode lctype ldebug ldo ldump lfunc lgc llex lmem lobject lopcodes lparser lstate lstring ltable".split(" "),
  ..."ltm lundump lvm lzio lauxlib lbaselib lstrlib ltablib lmathlib".split(" "),
];

/**
 * A constant hash seed and sort pivot make runs repeat; a stack of C calls of 60 bounds recursion through pcall and gsub.
 */
export const LUA_DEFINES = ["-Dluai_makeseed(L)=0x6d6c7462u", "-Dl_randomizePivot()=0u", "-DLUAI_MAXCCALLS=60"];

/** Runs a compiler or one of its tools; its messages become the error. */
export async function compile(command: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await run(command, args, { cwd, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new ImageBuildError(4, `${command} failed:\n${stderr || String(error)}`);
  }
}

/** Runs the jobs, as many at once as there are processors. */
export async function inParallel(jobs: (() => Promise<unknown>)[]): Promise<void> {
  const queue = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await job();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}
