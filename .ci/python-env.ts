// Pinned Python environments for suites against foreign Python programs: one virtual environment for each list of
// requirements in .ci/python/, kept outside the repository and made once.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The pins were resolved on 3.11; newer ones take them too. */
const interpreters = ["python3.11", "python3.12", "python3.13", "python3"];
const INSTALL_MS = 15 * 60_000;
const WAIT_MS = 1000;

export interface PythonEnv {
  /** Interpreter of the environment. */
  python: string;
  /** Path of a command that its packages installed, such as `labgrid-client`. */
  bin(command: string): string;
}

/** Where environments are kept: `MLTB_PYTHON_CACHE`, else `$XDG_CACHE_HOME/mltb/python`. */
function cacheFolder(): string {
  const own = process.env["MLTB_PYTHON_CACHE"];
  if (own !== undefined && own !== "") return own;
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "mltb", "python");
}

/** The first interpreter of 3.11 or newer that can make environments, with its version. */
async function findPython(): Promise<{ python: string; version: string } | undefined> {
  const probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.executable, sys.version)";
  for (const name of interpreters) {
    try {
      const { stdout } = await run(name, ["-c", probe]);
      return { python: stdout.split(" ")[0] as string, version: stdout };
    } catch {
      // Not there, too old, or without venv: the next one may do.
    }
  }
  return undefined;
}

/** Holds `folder` for this process while it works; one whose process is gone gives way. */
async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = `${folder}.lock`;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = Number(existsSync(file) ? readFileSync(file, "utf8") : 0);
      if (holder > 0 && !existsSync(`/proc/${holder}`)) rmSync(file, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * The environment of `.ci/python/NAME.txt`, made at first use. Where it cannot be made `{ missing }` says why, for the
 * tests to skip; on CI (`CI=true`) that is an error.
 */
export async function pythonEnv(
  name: "board-farm" | "tritonclient" | "schemathesis",
): Promise<PythonEnv | { missing: string }> {
  const missing = (why: string): { missing: string } => {
    if (process.env["CI"] === "true") throw new Error(`Python environment ${name}: ${why}`);
    console.warn(`skipped: the Python environment ${name} cannot be made: ${why}`);
    return { missing: why };
  };
  const found = await findPython();
  if (found === undefined)
    return missing("there is no Python 3.11 or newer with venv (Debian: apt-get install python3-venv)");
  const file = new URL(`./python/${name}.txt`, import.meta.url).pathname;
  const hash = createHash("sha256").update(found.version).update(readFileSync(file)).digest("hex").slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${hash}`);
  const env = { python: join(folder, "bin", "python"), bin: (command: string) => join(folder, "bin", command) };
  const complete = join(folder, "complete");
  if (existsSync(complete)) return env;
  mkdirSync(cacheFolder(), { recursive: true });
  return locked(folder, async () => {
    if (existsSync(complete)) return env;
    rmSync(folder, { recursive: true, force: true });
    try {
      await run(found.python, ["-m", "venv", folder]);
      const install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--disable-pip-version-check",
        "-r",
        file,
      ];
      await run(env.python, install, { timeout: INSTALL_MS, maxBuffer: 64 << 20 });
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      return missing((error as Error).message);
    }
    writeFileSync(complete, "");
    return env;
  });
}
