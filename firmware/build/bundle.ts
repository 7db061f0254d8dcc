import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire, SourceMap } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packBundle } from "./pack.ts";
import type { Names } from "./pack-fields.ts";

const firmware = fileURLToPath(new URL("..", import.meta.url));
const root = dirname(firmware.replace(/\/$/, ""));

/** Bundles and the folders of their entries; `codec` is the wire codec alone, `memory` the EEPROM's records, for tests and benchmarks. */
const folders = { monitoring: "boards/monitoring", floor: "boards/floor", codec: "codec", memory: "memory" } as const;
export type BundleName = keyof typeof folders;
/** Boards with a bundle. */
export const boards = ["monitoring", "floor"] as const satisfies BundleName[];
export type BoardName = (typeof boards)[number];

/** Packed bundles, and whether they describe their message table. The codec is judged in the form in which boards carry it. */
const packed: { [name in BundleName]?: Pick<Names, "described"> } = {
  codec: { described: true },
  floor: { described: false },
  monitoring: { described: true },
};

/** A built bundle. */
export interface Bundle {
  name: BundleName;
  /** Lua source, ASCII. */
  source: string;
  sha256: string;
  path: string;
  /** Lines of Lua that the transpiler made, before they were packed. */
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
function inputHash(bundle: BundleName): string {
  const own = [folders[bundle], "drivers", "services", "runtime"].map((name) => join(firmware, name));
  const files = [...own, join(root, "protocol/src"), join(root, "hardware/src")].flatMap(sourceFiles);
  files.push(join(firmware, folders[bundle], "tsconfig.json"), join(firmware, "package.json"));
  const hash = createHash("sha256");
  for (const file of files) hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  for (const tool of ["bundle.ts", "pack.ts", "pack-fields.ts", "pack-counters.ts", "lua-tokens.ts"])
    hash.update(readFileSync(join(firmware, "build", tool)));
  return hash.digest("hex");
}

async function transpile(bundle: BundleName, output: string): Promise<void> {
  const require = createRequire(join(firmware, "package.json"));
  const tstl = join(dirname(require.resolve("typescript-to-lua/package.json")), "dist", "tstl.js");
  try {
    await promisify(execFile)(
      process.execPath,
      [tstl, "-p", join(folders[bundle], "tsconfig.json"), "--luaBundle", output],
      {
        cwd: firmware,
      },
    );
  } catch (error) {
    const output = (error as { stdout?: string }).stdout ?? String(error);
    throw new FirmwareBuildError(`the firmware bundle ${bundle} does not build:\n${output}`);
  }
}

/** The message table without its sentences: they document the wire for people and would cost the board 5 kB of heap. */
function withoutMeanings(source: string): string {
  return source.replace(/("0x[0-9a-f]{2} [^"]*? --) [^"]*"/g, '$1"');
}

/** Names by which the runtime and the bundle know each other: the HAL's functions, and what a bundle returns. */
function contractNames(): string[] {
  const text = readFileSync(join(firmware, "runtime/types/hal.d.ts"), "utf8");
  // `field` is the codec bundle's own.
  return ["boot", "field", ...[...text.matchAll(/^ {2}(\w+)\??\(\s*this: void/gm)].map(([, name]) => name as string)];
}

const linesOf = (name: BundleName): string => join(firmware, "dist", name, "lines.json");

/** A column behind every line's end: what the line's last mark says is looked up. */
const LINE_END = 10_000;

/** Where in TypeScript a line of the transpiler's output comes from: `firmware/services/power.ts:12`, empty for nowhere. */
function placeOf(map: SourceMap, line: number): string {
  if (line === 0) return "";
  const entry = map.findEntry(line - 1, LINE_END);
  // Lines that only close something have no mark of their own.
  if (!("originalSource" in entry) || entry.originalSource === undefined) return placeOf(map, line - 1);
  // The transpiler counts folders from where it thinks that the bundle lies.
  const path = entry.originalSource.replace(/^(\.\.\/)+/, "");
  return `${/^(protocol|hardware)\//.test(path) ? "" : "firmware/"}${path}:${entry.originalLine + 1}`;
}

/**
 * Where line `line` of a packed bundle comes from, as `bundle:LINE:` in an error of it says: file and line in TypeScript,
 * or undefined where the line is the packer's own or the bundle has no such line.
 */
export async function sourceOfLine(name: BoardName, line: number): Promise<string | undefined> {
  await buildBundle(name);
  const lines = JSON.parse(readFileSync(linesOf(name), "utf8")) as string[];
  return lines[line - 1] || undefined;
}

/** Builds a bundle with typescript-to-lua, or returns the one of an earlier build of the same sources. */
export async function buildBundle(name: BundleName): Promise<Bundle> {
  const folder = join(firmware, "dist", name);
  const path = join(folder, `${name}.lua`);
  const stamp = join(folder, "inputs.sha256");
  const counted = join(folder, "source-lines");
  const wanted = inputHash(name);
  mkdirSync(folder, { recursive: true });
  let built = "";
  try {
    built = readFileSync(stamp, "utf8");
    statSync(path);
    statSync(counted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    built = "";
  }
  if (built !== wanted) {
    // Two processes may build at once: each into a file of its own, which then takes its place in one step.
    const mine = join(folder, `${name}-${process.pid}-${randomUUID()}.lua`);
    await transpile(name, mine);
    const whole = withoutMeanings(readFileSync(mine, "latin1"));
    const names = packed[name];
    if (names !== undefined) {
      const { source, lines } = packBundle(whole, { ...names, contract: contractNames() });
      writeFileSync(mine, source, "latin1");
      const map = new SourceMap(JSON.parse(readFileSync(`${mine}.map`, "utf8")));
      writeFileSync(`${mine}.map`, JSON.stringify(lines.map((line) => placeOf(map, line))));
      renameSync(`${mine}.map`, linesOf(name));
    } else writeFileSync(mine, whole, "latin1");
    renameSync(mine, path);
    writeFileSync(counted, String(whole.split("\n").length));
    writeFileSync(stamp, wanted);
  }
  const source = readFileSync(path, "latin1");
  return {
    name,
    source,
    sha256: createHash("sha256").update(source, "latin1").digest("hex"),
    path,
    sourceLines: Number(readFileSync(counted, "utf8")),
  };
}
