// Programs from npm that only judge what is built here: one folder for each lock file in .ci/npm/, kept outside the
// repository and filled at first use, so that nobody else installs them. No install script runs.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALL_MS = 5 * 60_000;

/** Where they are kept: `MLTB_NPM_CACHE`, else `$XDG_CACHE_HOME/mltb/npm`. */
function cacheFolder(): string {
  const own = process.env["MLTB_NPM_CACHE"];
  if (own !== undefined && own !== "") return own;
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "mltb", "npm");
}

/**
 * The folder with the packages of `.ci/npm/NAME/`. Where it cannot be filled `{ missing }` says why, for the tests to skip; on
 * CI (`CI=true`) that is an error.
 */
export async function npmEnv(name: "asyncapi"): Promise<{ folder: string } | { missing: string }> {
  const source = new URL(`./npm/${name}/`, import.meta.url).pathname;
  const lock = readFileSync(join(source, "package-lock.json"));
  const folder = join(cacheFolder(), `${name}-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return { folder };
  mkdirSync(cacheFolder(), { recursive: true });
  const fresh = mkdtempSync(join(cacheFolder(), `${name}-`));
  try {
    cpSync(source, fresh, { recursive: true });
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", fresh];
    await run("npm", args, { cwd: fresh, timeout: INSTALL_MS, maxBuffer: 16 << 20 });
    // Who else has filled it meanwhile has filled it with the same.
    if (!existsSync(folder)) renameSync(fresh, folder);
    return { folder };
  } catch (error) {
    const why = (error as Error).message;
    if (process.env["CI"] === "true") throw new Error(`npm packages of ${name}: ${why}`);
    console.warn(`skipped: the npm packages of ${name} cannot be installed: ${why}`);
    return { missing: why };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
