import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { ResultsError } from "./results-error.ts";

/** Rows of a CSV text with a header, by the names of their columns (RFC 4180). Throws `ResultsError` with the line. */
export function readCsv(text: string, file: string): Record<string, string>[] {
  try {
    return parse(text, { columns: true, skip_empty_lines: true, trim: true, bom: true }) as Record<string, string>[];
  } catch (error) {
    throw new ResultsError(`${file}: ${(error as Error).message}`);
  }
}

/** A CSV text with a header. */
export function writeCsv(rows: Record<string, unknown>[], columns: string[]): string {
  return stringify(rows, { header: true, columns, cast: { boolean: String } });
}
