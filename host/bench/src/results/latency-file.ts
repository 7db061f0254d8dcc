import { gunzipSync, gzipSync } from "node:zlib";
import { ResultsError } from "./results-error.ts";

const SCHEMA = "mltb.latencies/1";
const LINE_FEED = 10;

interface Head {
  schema: string;
  /** Queries of each window; their latencies follow in this order. */
  queries: number[];
}

/**
 * Every latency of a measurement, so that percentiles, intervals and verdict can be computed anew: gzip over a line of JSON
 * and float64 microseconds, little endian, window after window.
 */
export function encodeLatencies(windows: Float64Array[]): Uint8Array {
  const head: Head = { schema: SCHEMA, queries: windows.map((window) => window.length) };
  const parts = windows.map((window) => Buffer.from(window.buffer, window.byteOffset, window.byteLength));
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...parts]));
}

/** The latencies of the windows again; throws `ResultsError` where the bytes are not such a file. */
export function decodeLatencies(bytes: Uint8Array): Float64Array[] {
  const content = gunzipSync(bytes);
  const end = content.indexOf(LINE_FEED);
  const { schema, queries } = JSON.parse(content.subarray(0, end).toString()) as Head;
  if (schema !== SCHEMA) throw new ResultsError(`schema ${SCHEMA} is wanted, this is ${schema}`);
  // A copy of its own: what follows the line need not lie at a multiple of eight.
  const values = new Float64Array(Uint8Array.from(content.subarray(end + 1)).buffer);
  let at = 0;
  return queries.map((count) => {
    at += count;
    return values.slice(at - count, at);
  });
}
