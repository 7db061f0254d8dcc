import {
  type Body,
  type Deframer,
  decodeBody,
  deframer,
  encodedLimitStream,
  type FrameCounters,
  Kind,
  messageById,
  nodeSeal,
} from "@mltb/protocol";
import type { Piece } from "../link/frame-ring.ts";
import type { Trace } from "./trace.ts";

const kinds = new Map(Object.entries(Kind).map(([name, number]) => [number as number, name]));

/** A frame of a trace in words. */
export interface DecodedFrame {
  at_ms: number;
  direction: Piece["direction"];
  kind: string;
  seq: number;
  ack: number;
  tag: number;
  /** Name of the message; `id 0x..` where the table of this version does not have it. */
  name: string;
  /** Undefined where the bytes do not fit the message's line. */
  body: Body | undefined;
}

/** Bytes of a trace that are no frame. */
export interface DecodedFault {
  at_ms: number;
  direction: Piece["direction"];
  /** Counters of the deframer that grew: `crc`, `cobs`, `short`, ... */
  faults: Partial<FrameCounters>;
}

export type Decoded = DecodedFrame | DecodedFault;

/**
 * The frames of a trace in the order in which they went over the link, and what was no frame. Where older bytes gave way,
 * each direction begins behind its first delimiter.
 */
export function* decodeTrace({ header, pieces }: Trace): Generator<Decoded> {
  let found: Decoded[] = [];
  let at_ms = 0;
  const reader = (direction: Piece["direction"]): Deframer =>
    deframer(encodedLimitStream, nodeSeal, ({ kind, seq, ack, id, tag, body }) => {
      const message = messageById(id);
      found.push({
        at_ms,
        direction,
        kind: kinds.get(kind) ?? String(kind),
        seq,
        ack,
        tag,
        name: message?.name ?? `id 0x${id.toString(16).padStart(2, "0")}`,
        body: message === undefined ? undefined : decodeBody(message, body),
      });
    });
  const readers = { rx: reader("rx"), tx: reader("tx") };
  const whole = { rx: header.dropped_bytes === 0, tx: header.dropped_bytes === 0 };
  for (const { at_ms: at, direction, bytes } of pieces) {
    at_ms = at;
    let text = Buffer.from(bytes).toString("latin1");
    if (!whole[direction]) {
      const end = text.indexOf("\0");
      if (end < 0) continue;
      whole[direction] = true;
      text = text.slice(end + 1);
    }
    const { counters } = readers[direction];
    const before = { ...counters };
    readers[direction].rx(text);
    const faults: Partial<FrameCounters> = {};
    for (const key of Object.keys(counters) as (keyof FrameCounters)[]) {
      if (key !== "good" && key !== "empty" && counters[key] > before[key]) faults[key] = counters[key] - before[key];
    }
    yield* found;
    found = [];
    if (Object.keys(faults).length > 0) yield { at_ms, direction, faults };
  }
}

/** A body as text: numbers and names as they are, anything else by its length. */
export function bodyText(body: Body | undefined): string {
  if (body === undefined) return "(does not fit its message)";
  return Object.entries(body)
    .map(([key, value]) => {
      if (typeof value === "number") return `${key}=${value}`;
      return /^[\x20-\x7e]{0,64}$/.test(value) ? `${key}="${value}"` : `${key}=<${value.length} bytes>`;
    })
    .join(" ");
}
