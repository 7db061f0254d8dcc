import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { ResultsError } from "./library.ts";
import { type ResultRecord, sha256 } from "./record.ts";

const SCHEMA = "mltb.latencies/1";
const PREFIX = "latencies-";
const LINE_FEED = 10;

interface Head {
  schema: string;
  /** Queries of each window; their latencies follow in this order. */
  queries: number[];
}

/**
 * Every latency of a record beside its run's document, so that percentiles, intervals and verdict can be computed anew: gzip
 * over a line of JSON and float64 microseconds, little endian, window after window.
 */
export function storeLatencies(folder: string, record: ResultRecord, windows: Float64Array[]) {
  const head: Head = { schema: SCHEMA, queries: windows.map((window) => window.length) };
  const parts = windows.map((window) => Buffer.from(window.buffer, window.byteOffset, window.byteLength));
  const bytes = gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...parts]));
  const hash = sha256(bytes);
  const path = `${PREFIX}${record.target}-${record.model.name}-${hash.slice(0, 8)}.f64.gz`;
  writeFileSync(join(folder, path), bytes);
  return { path, sha256: hash };
}

/** The latencies of a record's windows; undefined where its run kept none. Throws where they are not those that were measured. */
export function readLatencies(folder: string, record: ResultRecord): Float64Array[] | undefined {
  const artifact = record.artifacts.find((entry) => entry.path.startsWith(PREFIX));
  if (artifact === undefined || !existsSync(join(folder, artifact.path))) return undefined;
  const file = join(folder, artifact.path);
  const bytes = readFileSync(file);
  if (sha256(bytes) !== artifact.sha256)
    throw new ResultsError(`${file} was changed: its SHA-256 is not the one in the result`);
  const content = gunzipSync(bytes);
  const end = content.indexOf(LINE_FEED);
  const { schema, queries } = JSON.parse(content.subarray(0, end).toString()) as Head;
  if (schema !== SCHEMA) throw new ResultsError(`${file}: schema ${SCHEMA} is wanted, this is ${schema}`);
  // A copy of its own: what follows the line need not lie at a multiple of eight.
  const values = new Float64Array(Uint8Array.from(content.subarray(end + 1)).buffer);
  let at = 0;
  return queries.map((count) => {
    at += count;
    return values.slice(at - count, at);
  });
}
