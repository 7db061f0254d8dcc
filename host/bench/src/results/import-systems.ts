import { ResultsError } from "./results-error.ts";

/** What a submitter tells of a board and its toolchain. What a source does not tell is null. */
export interface ImportedSystem {
  target: string;
  /** Facts of the source that decide which of its results are of this system. */
  facts: Record<string, string>;
  availability: string | null;
  board: string | null;
  soc: string | null;
  processor: string | null;
  /** Frequency in the source's words, and as a number where the words are one. */
  clock: string | null;
  clock_mhz: number | null;
  accelerator: string | null;
  framework: string | null;
  quantization: string | null;
}

/** Columns by which a table of descriptors is known. */
export const systemColumns = ["round", "division", "org", "system", "board", "processor", "freq", "framework"];
const scope = ["round", "division", "org"] as const;

/** A row of MLPerf Tiny's descriptors. Throws `ResultsError` where the submitted file was broken. */
export function readSystem(row: Record<string, string>): ImportedSystem {
  const of = (column: string): string | null => row[column] || null;
  if (of("parse_error") !== null) throw new ResultsError(`the submitted descriptor is broken: ${row["parse_error"]}`);
  return {
    target: row["system"] as string,
    facts: Object.fromEntries(scope.map((column) => [column, row[column] ?? ""])),
    availability: of("status"),
    board: of("board"),
    soc: of("soc"),
    processor: of("processor"),
    clock: of("freq"),
    clock_mhz: megahertz(row["freq"] ?? ""),
    accelerator: of("accelerator"),
    framework: of("framework"),
    quantization: of("quant"),
  };
}

/** `120 MHz`, `20M` or `1Ghz` as a number; null for other words. */
function megahertz(text: string): number | null {
  const [, value, unit] = /^(\d+(?:\.\d+)?) ?([MG])(?:Hz)?$/i.exec(text) ?? [];
  if (value === undefined || unit === undefined) return null;
  return Number(value) * (unit.toUpperCase() === "G" ? 1000 : 1);
}

/** A name as submitters vary it between the folder of a result and the file of its descriptor. */
function loose(name: string): string {
  return (name.split("/")[0] as string)
    .toLowerCase()
    .replace(/system_?description/, "")
    .replace(/[^a-z0-9]/g, "");
}

/** A result, as far as it tells of which system it is. */
interface OfSystem {
  target: string;
  facts: Record<string, string>;
  system?: ImportedSystem | null;
}

/**
 * Puts the descriptor of its system to each result, by round, division, submitter and name; a name that is not the same is taken
 * where only punctuation or folders differ and one descriptor alone has it. Results without one get null; gives their number.
 */
export function joinSystems(results: OfSystem[], systems: ImportedSystem[]): number {
  const key = (facts: Record<string, string>, name: string): string =>
    JSON.stringify([...scope.map((column) => facts[column]), name]);
  const exact = new Map(systems.map((system) => [key(system.facts, system.target), system]));
  const near = new Map<string, ImportedSystem | null>();
  for (const system of systems) {
    const name = key(system.facts, loose(system.target));
    near.set(name, near.has(name) ? null : system);
  }
  let without = 0;
  for (const result of results) {
    const found =
      exact.get(key(result.facts, result.target)) ?? near.get(key(result.facts, loose(result.target))) ?? null;
    result.system = found;
    if (found === null) without += 1;
  }
  return without;
}
