import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Provenance } from "./provenance.ts";
import type { Sizes } from "./size-document.ts";

const folder = new URL("../../docs/results/", import.meta.url);

/** Fields of every result file. */
interface Result {
  command: string;
  at: string;
  of?: Provenance;
}

/** `docs/results/long-images.json`: what the long form of the image suite did and measured. */
export interface ImagesResult extends Result {
  passed: number;
  failed: number;
  skipped: number;
  /** Figures that tests measured, by name (`task.meta.figures`). */
  figures?: Record<string, number>;
  /** Which scenario did what on which rung: a row for each scenario, a cell for each rung. */
  scenarios?: { rungs: string[]; rows: { name: string; cells: string[] }[] };
}

/** One row of `docs/results/bench.json`, as `npm run bench -- --json` has it. */
interface BenchRow {
  benchmark: string;
  quantity: string;
  median: number | null;
  unit: string;
}

/** Result files by their names; a file that is not there yet is undefined. */
export interface Results {
  sizes?: Result & { sizes: Sizes };
  "long-images"?: ImagesResult;
  "long-fuzz"?: Result;
  "long-unit"?: Result;
  "long-integration"?: Result;
  bench?: Result & { figures: BenchRow[] };
}
export type ResultName = keyof Results;

const names: ResultName[] = ["sizes", "long-images", "long-fuzz", "long-unit", "long-integration", "bench"];
const fileOf = (name: ResultName): URL => new URL(`${name}.json`, folder);

/** Everything that is kept in `docs/results/`. */
export function readResults(): Results {
  return Object.fromEntries(
    names
      .filter((name) => existsSync(fileOf(name)))
      .map((name) => [name, JSON.parse(readFileSync(fileOf(name), "utf8"))]),
  );
}

/** What the long forms of the soaks have left in `docs/results/`, by the name of the soak. */
export function readSoaks(): Record<string, Result> {
  const soaks: Record<string, Result> = {};
  for (const file of readdirSync(folder)) {
    const name = /^long-soak-(.+)\.json$/.exec(file)?.[1];
    if (name !== undefined) soaks[name] = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Result;
  }
  return soaks;
}

/** Keeps a result with the time of now; gives its path. */
export function writeResult<N extends ResultName>(
  name: N,
  result: Omit<NonNullable<Results[N]>, "at"> & { of: Provenance },
): string {
  const { command, ...rest } = result;
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify({ command, at: new Date().toISOString(), ...rest }, null, 1)}\n`);
  return fileURLToPath(fileOf(name));
}
