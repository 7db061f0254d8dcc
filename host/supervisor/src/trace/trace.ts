import { readFileSync } from "node:fs";
import { calibrationRecordSchema, type Fault, z } from "@mltb/contract";
import { TABLE_FINGERPRINT } from "@mltb/protocol";
import type { Board } from "../device/board.ts";
import type { Piece } from "../link/frame-ring.ts";

const headerSchema = z.object({
  schema: z.literal("mltb.trace/1"),
  at: z.string(),
  board: z.string(),
  rack: z.string(),
  targets: z.array(
    z.object({
      target: z.string(),
      channel: z.int(),
      /** What the board stored when the trace was kept; absent in older traces. */
      calibration: calibrationRecordSchema.nullable().optional(),
    }),
  ),
  /** Of the board when the trace was kept: gains follow it. */
  temperature_c: z.number().nullable().optional(),
  serial: z.string().nullable(),
  firmware: z.string().nullable(),
  lifecycle: z.string(),
  /** Of the message table of the host that recorded it. */
  fingerprint: z.int(),
  /** Bytes that came before the first piece and are not kept. */
  dropped_bytes: z.int(),
});
const pieceSchema = z.object({ at_ms: z.number(), direction: z.enum(["rx", "tx"]), bytes: z.base64() });

export type TraceHeader = z.infer<typeof headerSchema>;

/** What went over a link last, as it was on the wire. */
export interface Trace {
  header: TraceHeader;
  pieces: Piece[];
}

/**
 * The last bytes of a board's link as JSON lines: one about the board, then one for each piece (`at_ms` of the host's
 * monotonic clock, `rx` from the board, bytes in base64). The wire carries no credentials; it does carry the names of
 * targets and what was written on the panel.
 */
export function* traceLines(board: Board): Generator<string> {
  const { ring } = board.link;
  const header: TraceHeader = {
    schema: "mltb.trace/1",
    at: new Date().toISOString(),
    board: board.name,
    rack: board.rack,
    targets: board.channels
      .filter((channel) => channel !== undefined)
      .map(({ name, channel }) => ({ target: name, channel, calibration: board.calibrations.view(channel).record })),
    temperature_c: board.calibrations.temperature_c,
    serial: board.welcome?.serial ?? null,
    firmware: board.welcome?.firmware ?? null,
    lifecycle: board.link.lifecycle,
    fingerprint: TABLE_FINGERPRINT,
    dropped_bytes: ring.dropped_bytes,
  };
  yield JSON.stringify(header);
  for (const { at_ms, direction, bytes } of ring.list()) {
    const at = Math.round(at_ms * 1000) / 1000;
    yield JSON.stringify({ at_ms: at, direction, bytes: Buffer.from(bytes).toString("base64") });
  }
}

/** Reads the lines of a trace; every fault carries its line. */
export function parseTrace(file: string, text: string): Trace | { faults: Fault[] } {
  const faults: Fault[] = [];
  const fault = (line: number, message: string): void => {
    faults.push({ code: "trace", message, file, line, column: 1, path: "" });
  };
  let header: TraceHeader | undefined;
  const pieces: Piece[] = [];
  for (const [n, line] of text.split("\n").entries()) {
    if (line === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (header === undefined) header = headerSchema.parse(value);
      else {
        const { at_ms, direction, bytes } = pieceSchema.parse(value);
        pieces.push({ at_ms, direction, bytes: Buffer.from(bytes, "base64") });
      }
    } catch (error) {
      const what =
        error instanceof z.ZodError ? z.prettifyError(error).replaceAll("\n", " ") : (error as Error).message;
      fault(n + 1, header === undefined ? `this is no trace: ${what}` : what);
      if (header === undefined || faults.length >= 20) break;
    }
  }
  if (header === undefined && faults.length === 0) fault(1, "this is no trace: the file is empty");
  return header === undefined || faults.length > 0 ? { faults } : { header, pieces };
}

export function readTrace(file: string): Trace | { faults: Fault[] } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? `${file} not found` : `${file} cannot be read: ${message}`;
    return { faults: [{ code: "file-not-found", message: what, file, line: 1, column: 1, path: "" }] };
  }
  return parseTrace(file, text);
}
