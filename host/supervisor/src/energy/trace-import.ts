import { readFileSync } from "node:fs";
import { type Fault, readDocument, z } from "@mltb/contract";

/** First byte of a trace, and the bytes before its samples. */
const MAGIC = 0xf1;
const HEAD_BYTES = 5;
const RATE_MAX_HZ = 1e7;
/** Samples on both sides of a window that show the power outside it. */
const OUTSIDE_SAMPLES = 20;

/** A power trace: sample k is the energy of the interval that ends at k / rate. */
export interface EnergyTrace {
  sample_rate_hz: number;
  samples_uj: Float32Array;
}

/** A window of a trace, times in seconds from its beginning. */
export interface TraceWindow {
  start_s: number;
  stop_s: number;
  energy_uj: number;
  /** Standard uncertainty of the energy from where its edges may lie, in microjoules. */
  timing_uj: number;
}

/**
 * Reads a trace of the EEMBC and MLPerf Tiny energy runners: byte 0xF1, float32 LE samples per second, then float32 LE
 * microjoules a sample. What is wrong with it is a fault with its mend.
 */
export function readEnergyTrace(file: string): EnergyTrace | { faults: Fault[] } {
  const fault = (code: string, message: string, suggestion?: string): { faults: Fault[] } => ({
    faults: [
      { code, message, file, line: 1, column: 1, path: "", ...(suggestion === undefined ? {} : { suggestion }) },
    ],
  });
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fault("file-not-found", code === "ENOENT" ? `${file} not found` : `${file} cannot be read: ${message}`);
  }
  if (bytes[0] !== MAGIC) {
    return fault(
      "no-trace",
      "this is no energy trace: its first byte is not 0xF1",
      "name the trace's -energy.bin file",
    );
  }
  if (bytes.length <= HEAD_BYTES || (bytes.length - HEAD_BYTES) % 4 !== 0) {
    const text = `${bytes.length} bytes are no whole number of samples`;
    return fault("trace-cut", text, "the file was cut: copy it again");
  }
  const rate = bytes.readFloatLE(1);
  if (!(rate > 0 && rate <= RATE_MAX_HZ)) return fault("value", `a rate of ${rate} samples/s is not believable`);
  // The samples do not start at a multiple of four bytes: they are copied to where they do.
  const samples_uj = new Float32Array(Uint8Array.from(bytes.subarray(HEAD_BYTES)).buffer);
  const odd = samples_uj.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) return fault("value", `sample ${odd} is ${samples_uj[odd]}`, "measure again: the trace is damaged");
  return { sample_rate_hz: rate, samples_uj };
}

/**
 * Reads the timestamps of a trace: a JSON list of seconds whose first entry is a mark, then start and stop of each
 * window. Faults carry line and column of the entry.
 */
export function readTimestamps(
  file: string,
  trace: EnergyTrace,
): { pairs: [start_s: number, stop_s: number][] } | { faults: Fault[] } {
  const document = readDocument(file, z.array(z.number().min(0)));
  if ("faults" in document) return document;
  const times = document.value;
  const end_s = trace.samples_uj.length / trace.sample_rate_hz;
  if (times.length < 3 || times.length % 2 === 0) {
    const text = `${times.length} times: a mark and then start and stop of every window are wanted, an odd number`;
    return { faults: [document.fault("timestamps", [], text)] };
  }
  const faults: Fault[] = [];
  const pairs: [number, number][] = [];
  for (let i = 1; i < times.length; i += 2) {
    const [start, stop] = [times[i] as number, times[i + 1] as number];
    if (stop <= start) {
      faults.push(document.fault("timestamps", [i + 1], `a window from ${start} s to ${stop} s has no length`));
    } else if (Math.round(stop * trace.sample_rate_hz) >= trace.samples_uj.length) {
      const text = `the window ends at ${stop} s, the trace at ${end_s} s`;
      faults.push(document.fault("timestamps", [i + 1], text, "do both files belong to one run?"));
    }
    pairs.push([start, stop]);
  }
  return faults.length > 0 ? { faults } : { pairs };
}

/**
 * Energy of each window: the sum of samples `round(start x rate) + 1` to `round(stop x rate)` inclusive, counted from 0.
 * Each edge is known to a sample, so that it may lie anywhere within half of one (rectangular, GUM 4.3.7): that moves
 * what the power inside differs from the power outside by.
 */
export function traceWindows(trace: EnergyTrace, pairs: [start_s: number, stop_s: number][]): TraceWindow[] {
  const { sample_rate_hz, samples_uj } = trace;
  const sum = (first: number, last: number): number => {
    let total = 0;
    for (let k = Math.max(0, first); k <= Math.min(last, samples_uj.length - 1); k += 1) {
      total += samples_uj[k] as number;
    }
    return total;
  };
  return pairs.map(([start_s, stop_s]) => {
    const first = Math.round(start_s * sample_rate_hz) + 1;
    const last = Math.round(stop_s * sample_rate_hz);
    const energy_uj = sum(first, last);
    const inside = energy_uj / (last - first + 1);
    const before = Math.min(OUTSIDE_SAMPLES, first);
    const outside = before === 0 ? inside : sum(first - before, first - 1) / before;
    return { start_s, stop_s, energy_uj, timing_uj: (Math.abs(inside - outside) * Math.SQRT2) / Math.sqrt(12) };
  });
}
