import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { readCsv } from "./csv.ts";
import { type ImportedSystem, joinSystems, readSystem, systemColumns } from "./import-systems.ts";
import { sha256 } from "./record.ts";
import { ResultsError } from "./results-error.ts";

/** A published figure of somebody else, in the units of our results. What a source does not tell is null. */
export interface ImportedResult {
  target: string;
  model: string;
  /** Facts of the source that decide whether two of its rows may be compared. */
  facts: Record<string, string>;
  latency_us: { p50: number | null; p90: number | null; p99: number | null; mean: number | null };
  throughput_per_s: number | null;
  energy_uj_per_inference: number | null;
  memory_bytes: number | null;
  accuracy: number | null;
  /** The source's own judgement, where it has one. */
  valid: boolean | null;
  /** Descriptor of the target, where descriptors were given with the table; null where none is of it. */
  system?: ImportedSystem | null;
}

/** A file that was read, and how many rows it has. */
interface Source {
  file: string;
  sha256: string;
  rows: number;
}

export interface Imported {
  schema: "mltb.imported/1";
  format: string;
  source: Source;
  results: ImportedResult[];
  /** Rows without any figure, with the line that they stand on. */
  skipped: Skipped[];
  /** Of a table of descriptors, which has no results. */
  systems?: ImportedSystem[];
  /** The table of descriptors that the results were joined to, and how many of them found none. */
  joined?: Source & { skipped: Skipped[]; without: number };
}

/** A row that is left out. */
interface Skipped {
  line: number;
  reason: string;
}

type Row = Record<string, string>;

interface Format {
  name: string;
  /** Columns by which the format is known. */
  columns: string[];
  read(row: Row): ImportedResult;
}

function number(row: Row, column: string, factor = 1): number | null {
  const text = row[column];
  if (text === undefined || text === "") return null;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new ResultsError(`${column} ${text} is no number`);
  return value * factor;
}

function facts(row: Row, ...columns: string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? ""]));
}

/** The format of MLPerf Tiny's descriptors of boards and toolchains. */
const SYSTEMS = "mlperf-tiny-systems";

const none = { p50: null, p90: null, p99: null, mean: null };

const formats: Format[] = [
  {
    name: "mlperf-tiny",
    columns: ["round", "division", "system", "task", "latency_ms", "energy_uJ"],
    read: (row) => ({
      target: row["system"] as string,
      model: row["task"] as string,
      facts: facts(row, "round", "division", "org"),
      // The benchmark publishes the median of its windows.
      latency_us: { ...none, p50: number(row, "latency_ms", 1000) },
      throughput_per_s: number(row, "inf_per_s"),
      energy_uj_per_inference: number(row, "energy_uJ"),
      memory_bytes: null,
      accuracy: number(row, "top1", 0.01) ?? number(row, "auc"),
      valid: null,
    }),
  },
  {
    name: "mlperf-inference",
    columns: ["division", "org", "system", "model", "scenario", "p90_ns", "avg_watts"],
    read: (row) => {
      const rate = number(row, "samples_per_s");
      const watts = number(row, "avg_watts");
      const mean = number(row, "mean_ns", 1e-3);
      // A stream draws its power for as long as a query lasts; offline and server spread it over the samples of a second.
      const seconds =
        rate !== null && rate > 0 ? 1 / rate : row["scenario"] === "singlestream" && mean !== null ? mean / 1e6 : null;
      return {
        target: row["system"] as string,
        model: row["model"] as string,
        facts: facts(row, "division", "org", "scenario"),
        latency_us: {
          p50: number(row, "p50_ns", 1e-3),
          p90: number(row, "p90_ns", 1e-3),
          p99: number(row, "p99_ns", 1e-3),
          mean,
        },
        throughput_per_s: rate,
        energy_uj_per_inference: watts === null || seconds === null ? null : watts * seconds * 1e6,
        memory_bytes: null,
        accuracy: number(row, "accuracy_pct", 0.01),
        valid: row["valid"] === "VALID",
      };
    },
  },
  {
    name: "edgemark",
    columns: ["platform", "model", "type", "exec_ms", "ram_kB", "flash_kB"],
    read: (row) => ({
      target: row["platform"] as string,
      model: `${row["model"]} ${row["type"]}`,
      facts: facts(row, "params", "macs", "flash_kB"),
      latency_us: { ...none, mean: number(row, "exec_ms", 1000) },
      throughput_per_s: null,
      energy_uj_per_inference: null,
      memory_bytes: number(row, "ram_kB", 1024),
      accuracy: null,
      valid: null,
    }),
  },
  {
    name: "ai-hub",
    columns: ["model", "device", "runtime", "status", "inference_ms", "mem_max_mb"],
    read: (row) => ({
      target: row["device"] as string,
      model: [row["model"], row["component"], row["precision"]].filter(Boolean).join(" "),
      facts: facts(row, "runtime", "unit", "qairt"),
      latency_us: { ...none, p50: number(row, "inference_ms", 1000) },
      throughput_per_s: null,
      energy_uj_per_inference: null,
      memory_bytes: number(row, "mem_max_mb", 1024 * 1024),
      accuracy: null,
      valid: row["status"] === "Passed",
    }),
  },
];

interface Table {
  source: Source;
  rows: Row[];
  has(columns: string[]): boolean;
}

function readTable(file: string): Table {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new ResultsError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const rows = readCsv(bytes.toString("utf8"), file);
  const header = Object.keys(rows[0] ?? {});
  const source = { file: basename(file), sha256: sha256(bytes), rows: rows.length };
  return { source, rows, has: (columns) => columns.every((column) => header.includes(column)) };
}

/** What the rows give; those that give nothing, or a `ResultsError`, are left out with their lines. */
function readRows<T>(rows: Row[], read: (row: Row) => T | string): { found: T[]; skipped: Skipped[] } {
  const found: T[] = [];
  const skipped: Skipped[] = [];
  for (const [i, row] of rows.entries()) {
    const line = i + 2;
    try {
      const value = read(row);
      if (typeof value === "string") skipped.push({ line, reason: value });
      else found.push(value);
    } catch (error) {
      if (!(error instanceof ResultsError)) throw error;
      skipped.push({ line, reason: error.message });
    }
  }
  return { found, skipped };
}

/** A result with a figure, or why it is none. */
function withFigure(result: ImportedResult): ImportedResult | string {
  const figures = [...Object.values(result.latency_us), result.throughput_per_s, result.energy_uj_per_inference];
  return [...figures, result.accuracy].every((value) => value === null) ? "the row has no figure" : result;
}

/**
 * Published results, or descriptors, of a CSV file; which of the known formats it is, its columns say. MLPerf Tiny's results are
 * joined to its descriptors where `systemsFile` names them. Throws `ResultsError`.
 */
export function importResults(file: string, systemsFile?: string): Imported {
  const { source, rows, has } = readTable(file);
  const format = formats.find((entry) => has(entry.columns));
  if (format?.name !== "mlperf-tiny" && systemsFile !== undefined)
    throw new ResultsError(`${file}: only results of MLPerf Tiny are joined to descriptors of systems`);
  if (has(systemColumns)) {
    const { found, skipped } = readRows(rows, readSystem);
    return { schema: "mltb.imported/1", format: SYSTEMS, source, results: [], systems: found, skipped };
  }
  if (format === undefined) {
    const all = [...formats, { name: SYSTEMS, columns: systemColumns }];
    const known = all.map((entry) => `${entry.name} (${entry.columns.join(", ")})`).join("; ");
    const header = Object.keys(rows[0] ?? {}).join(", ");
    throw new ResultsError(`${file}: its columns (${header}) are those of no known format: ${known}`);
  }
  const { found: results, skipped } = readRows(rows, (row) => withFigure(format.read(row)));
  const imported: Imported = { schema: "mltb.imported/1", format: format.name, source, results, skipped };
  if (systemsFile !== undefined) {
    const table = readTable(systemsFile);
    if (!table.has(systemColumns))
      throw new ResultsError(`${systemsFile}: descriptors of systems have the columns ${systemColumns.join(", ")}`);
    const systems = readRows(table.rows, readSystem);
    const without = joinSystems(results, systems.found);
    imported.joined = { ...table.source, skipped: systems.skipped, without };
  }
  return imported;
}
