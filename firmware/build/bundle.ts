import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const firmware = fileURLToPath(new URL("..", import.meta.url));
const root = dirname(firmware.replace(/\/$/, ""));

/** Boards with a bundle, and the Lua file that the transpiler writes. */
export const boards = { monitoring: "monitoring.lua" } as const;
export type BoardName = keyof typeof boards;

/** A built bundle. */
export interface Bundle {
  name: BoardName;
  /** Lua source, ASCII. */
  source: string;
  sha256: string;
  path: string;
  sourceLines: number;
}

/** The transpiler refused the sources; the message holds its diagnostics. */
export class FirmwareBuildError extends Error {}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && statSync(file).isFile())
    .sort();
}

/** Hash over everything that decides the bundle's bytes. */
function inputHash(board: BoardName): string {
  const folders = [`boards/${board}`, "drivers", "services", "runtime"].map((name) => join(firmware, name));
  const files = [...folders, join(root, "protocol/src"), join(root, "hardware/src")].flatMap(sourceFiles);
  files.push(join(firmware, `boards/${board}/tsconfig.json`), join(firmware, "package.json"));
  const hash = createHash("sha256");
  for (const file of files) hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.update(readFileSync(fileURLToPath(import.meta.url))).digest("hex");
}

async function transpile(board: BoardName): Promise<void> {
  const require = createRequire(join(firmware, "package.json"));
  const tstl = join(dirname(require.resolve("typescript-to-lua/package.json")), "dist", "tstl.js");
  try {
    await promisify(execFile)(process.execPath, [tstl, "-p", `boards/${board}/tsconfig.json`], { cwd: firmware });
  } catch (error) {
    const output = (error as { stdout?: string }).stdout ?? String(error);
    throw new FirmwareBuildError(`the firmware of board ${board} does not build:\n${output}`);
  }
}

/** The message table without its sentences: they document the wire for people and would cost the board 5 kB of heap. */
function withoutMeanings(source: string): string {
  return source.replace(/("0x[0-9a-f]{2} [^"]*? --) [^"]*"/g, '$1"');
}

/** Builds the bundle of a board with typescript-to-lua, or returns the one of an earlier build of the same sources. */
export async function buildBundle(board: BoardName): Promise<Bundle> {
  const folder = join(firmware, "dist", board);
  const path = join(folder, boards[board]);
  const stamp = join(folder, "inputs.sha256");
  const wanted = inputHash(board);
  mkdirSync(folder, { recursive: true });
  let built = "";
  try {
    built = readFileSync(stamp, "utf8");
    statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    built = "";
  }
  if (built !== wanted) {
    await transpile(board);
    writeFileSync(path, withoutMeanings(readFileSync(path, "latin1")), "latin1");
    writeFileSync(stamp, wanted);
  }
  const source = readFileSync(path, "latin1");
  return {
    name: board,
    source,
    sha256: createHash("sha256").update(source, "latin1").digest("hex"),
    path,
    sourceLines: source.split("\n").length,
  };
}
