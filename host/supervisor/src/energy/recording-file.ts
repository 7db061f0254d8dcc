import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { calibrationRecordSchema, type Fault, z } from "@mltb/contract";
import { atOnce, pieces, type Steps } from "../steps.ts";
import { type Block, type Codes, Recording } from "./recording.ts";

/** Bytes of a block and of a voltage in the file. */
const BLOCK_BYTES = 16;
const VOLTAGE_BYTES = 10;
/** Longest header, and largest content, that is read. */
const HEADER_MAX = 4_000_000;
const CONTENT_MAX = 512 * 1024 * 1024;

/** What a file says beside its samples. */
export interface RecordingFacts {
  id: string;
  target: string;
  rack: string;
  channel: number;
  simulated: string[];
  nominal_v: number;
  board_revision: string;
  firmware: string | null;
  /** `design`: nominal values of the parts; `board`: with what the board stores. */
  calibration?: string | undefined;
  /** What the board stored for this channel; absent in older files. */
  calibration_record?: z.infer<typeof calibrationRecordSchema> | null | undefined;
  recorded_at: string;
}

const count = z.int().min(0);
const headerSchema = z.object({
  schema: z.literal("mltb.recording/1"),
  id: z.string(),
  target: z.string(),
  rack: z.string(),
  channel: z.int(),
  simulated: z.array(z.string()),
  nominal_v: z.number(),
  board_revision: z.string(),
  firmware: z.string().nullable(),
  calibration: z.string().optional(),
  calibration_record: calibrationRecordSchema.nullable().optional(),
  recorded_at: z.string(),
  period_us: z.number().positive(),
  amps_per_code: z.number().positive(),
  volts_per_code: z.number().positive(),
  current_offset_a: z.number().default(0),
  voltage_offset_v: z.number().default(0),
  markers: z.array(z.object({ level: z.number(), tick_us: z.number() })),
  restarts: z.array(z.number()),
  link_losses: z.array(z.number()).default([]),
  blocks: count,
  samples: count,
  voltages: count,
  dropped: z.object({ voltages: count, markers: count }).default({ voltages: 0, markers: 0 }),
});

/**
 * A recording as a file, `docs/recordings.md`: gzip over one line of JSON and three tables in little endian, in the
 * order blocks (u32 first, f64 end_us, u32 rows), samples (i16 codes), voltages (f64 tick_us, u16 code).
 */
export function encodeRecording(recording: Recording, facts: RecordingFacts): Buffer {
  return gzipSync(atOnce(contentSteps(recording, facts)));
}

/** What such a file holds under gzip, step by step. */
export function* contentSteps(recording: Recording, facts: RecordingFacts): Steps<Buffer> {
  const { period_us, amps_per_code, currents, voltageTimes, voltages, markers, restarts, linkLosses } = recording.raw();
  const { current_offset_a, volts_per_code, voltage_offset_v } = recording.codes;
  const header = {
    schema: "mltb.recording/1",
    ...facts,
    period_us,
    amps_per_code,
    ...recording.codes,
    markers,
    restarts,
    link_losses: linkLosses,
    blocks: recording.blocks.length,
    samples: currents.length,
    voltages: voltages.length,
    dropped: recording.dropped,
  };
  const blocks = Buffer.alloc(recording.blocks.length * BLOCK_BYTES);
  for (const [from, to] of pieces(recording.blocks.length)) {
    for (let n = from; n < to; n += 1) {
      const block = recording.blocks[n] as Block;
      blocks.writeUInt32LE(block.first, n * BLOCK_BYTES);
      blocks.writeDoubleLE(block.end_us, n * BLOCK_BYTES + 4);
      blocks.writeUInt32LE(block.rows, n * BLOCK_BYTES + 12);
    }
    yield;
  }
  const samples = Buffer.alloc(currents.length * 2);
  for (const [from, to] of pieces(currents.length)) {
    for (let n = from; n < to; n += 1) {
      samples.writeInt16LE(Math.round(((currents[n] as number) - current_offset_a) / amps_per_code), n * 2);
    }
    yield;
  }
  const read = Buffer.alloc(voltages.length * VOLTAGE_BYTES);
  for (const [from, to] of pieces(voltages.length)) {
    for (let n = from; n < to; n += 1) {
      read.writeDoubleLE(voltageTimes[n] as number, n * VOLTAGE_BYTES);
      const code = Math.round(((voltages[n] as number) - voltage_offset_v) / volts_per_code);
      read.writeUInt16LE(code, n * VOLTAGE_BYTES + 8);
    }
    yield;
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), blocks, samples, read]);
}

function codesOf({ current_offset_a, volts_per_code, voltage_offset_v }: z.infer<typeof headerSchema>): Codes {
  return { current_offset_a, volts_per_code, voltage_offset_v };
}

/** Reads a file of `encodeRecording`; the windows of the recording are computed anew from its samples. */
export function readRecordingFile(file: string): { facts: RecordingFacts; recording: Recording } | { faults: Fault[] } {
  const fault = (code: string, message: string, suggestion?: string): { faults: Fault[] } => ({
    faults: [
      { code, message, file, line: 1, column: 1, path: "", ...(suggestion === undefined ? {} : { suggestion }) },
    ],
  });
  let packed: Buffer;
  try {
    packed = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fault("file-not-found", code === "ENOENT" ? `${file} not found` : `${file} cannot be read: ${message}`);
  }
  let content: Buffer;
  try {
    content = gunzipSync(packed, { maxOutputLength: CONTENT_MAX });
  } catch (error) {
    return fault("damaged", `this is no recording, or it is damaged: ${(error as Error).message}`);
  }
  const end = content.indexOf(10);
  if (end < 0 || end > HEADER_MAX) return fault("no-recording", "this is no recording: it has no header");
  let header: z.infer<typeof headerSchema>;
  try {
    header = headerSchema.parse(JSON.parse(content.subarray(0, end).toString("utf8")));
  } catch (error) {
    const text = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    return fault("no-recording", `the header is not that of a recording: ${text.replaceAll("\n", " ")}`);
  }
  const { blocks, samples, voltages } = header;
  const body = content.subarray(end + 1);
  if (body.length !== blocks * BLOCK_BYTES + samples * 2 + voltages * VOLTAGE_BYTES) {
    return fault("damaged", `the tables have ${body.length} bytes, the header promises others`);
  }
  const recording = new Recording(header.amps_per_code, codesOf(header));
  let at = blocks * BLOCK_BYTES;
  const restarts = [...header.restarts];
  for (let n = 0; n < blocks; n += 1) {
    const end_us = body.readDoubleLE(n * BLOCK_BYTES + 4);
    const rows = body.readUInt32LE(n * BLOCK_BYTES + 12);
    if (at + rows * 2 > blocks * BLOCK_BYTES + samples * 2)
      return fault("damaged", `block ${n} has more rows than the file`);
    while (restarts[0] !== undefined && restarts[0] <= end_us) recording.anew(restarts.shift() as number);
    const currents = Float64Array.from(
      { length: rows },
      (_, row) => body.readInt16LE(at + row * 2) * header.amps_per_code + header.current_offset_a,
    );
    recording.samples(body.readUInt32LE(n * BLOCK_BYTES), end_us, header.period_us, currents);
    at += rows * 2;
  }
  for (let n = 0; n < voltages; n += 1, at += VOLTAGE_BYTES) {
    recording.voltage(
      body.readDoubleLE(at),
      body.readUInt16LE(at + 8) * header.volts_per_code + header.voltage_offset_v,
    );
  }
  for (const { level, tick_us } of header.markers) recording.marker(level, tick_us);
  for (const at_us of header.link_losses) recording.linkLost(at_us);
  recording.dropped.voltages += header.dropped.voltages;
  recording.dropped.markers += header.dropped.markers;
  return { facts: header, recording };
}
