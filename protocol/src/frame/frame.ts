import { bytes8, header8, shr, slice } from "#platform";
import { CONTROL_FRAME_BYTES, CRC_BYTES, HEADER_BYTES, MAJOR } from "../limits.ts";
import type { Seal } from "./seal.ts";
import { SealFault } from "./seal-fault.ts";

/**
 * The frame. On the wire: COBS(header, body, CRC-16 of both, little endian), then a zero byte.
 *
 *     byte 0   major version (high 4 bits), kind (low 4 bits)
 *     byte 1   seq: number of a reliable frame; 0 otherwise
 *     byte 2   ack: the seq that this end expects next (cumulative)
 *     byte 3   credit: reliable frames that this end can still take
 *     byte 4   id of the message
 *     byte 5   tag: pairs a response with its request; 0 otherwise
 *     byte 6-7 body length
 */
export interface Frame {
  kind: number;
  seq: number;
  ack: number;
  credit: number;
  id: number;
  tag: number;
  body: string;
}

/** Delivery classes. Reliable: request, response, event. State: newest wins. Stream: numbered, never repeated. */
export const Kind = { control: 0, request: 1, response: 2, event: 3, state: 4, stream: 5, ack: 6 } as const;

/** Why bytes between two delimiters were not a frame. */
export type FrameFault = "cobs" | "short" | "crc" | "length" | "kind" | "major" | "oversize";

/** The header of a frame whose body has `length` bytes. The caller keeps bodies inside the limits of the kind. */
export function frameHeader(
  kind: number,
  seq: number,
  ack: number,
  credit: number,
  id: number,
  tag: number,
  length: number,
): string {
  return bytes8(MAJOR * 16 + kind, seq, ack, credit, id, tag, length & 255, shr(length, 8));
}

/** The frame as bytes on the wire, delimiter included. */
export function encodeFrame(frame: Frame, seal: Seal): string {
  const { kind, seq, ack, credit, id, tag, body } = frame;
  return seal.seal(frameHeader(kind, seq, ack, credit, id, tag, body.length), body);
}

/** Reads what stood between two delimiters. A fault is a value: noise on a line is expected. */
export function decodeFrame(block: string, seal: Seal): Frame | FrameFault {
  const data = seal.unseal(block);
  if (typeof data === "number") return data === SealFault.cobs ? "cobs" : data === SealFault.short ? "short" : "crc";
  const [first, seq, ack, credit, id, tag, length] = header8(data) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (HEADER_BYTES + length !== data.length) return "length";
  const kind = first & 15;
  if (kind > Kind.ack) return "kind";
  if (shr(first, 4) !== MAJOR && kind !== Kind.control) return "major";
  if (data.length + CRC_BYTES > CONTROL_FRAME_BYTES && kind !== Kind.stream) return "oversize";
  return {
    kind,
    seq,
    ack,
    credit,
    id,
    tag,
    body: slice(data, HEADER_BYTES, data.length),
  };
}
