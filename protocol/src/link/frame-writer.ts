import { frameHeader } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import type { Carrier } from "./carrier.ts";

/** Seals and sends a frame whose body is `body` followed by `bulk`; bytes on the wire. */
export type WriteFrame = NonNullable<Carrier["writeFrame"]>;

/** The carrier's own way to send frames, or the one in TypeScript. */
export function frameWriter(carrier: Carrier, seal: Seal): WriteFrame {
  if (carrier.writeFrame !== undefined) return carrier.writeFrame;
  return (kind, seq, ack, credit, id, tag, body, bulk) => {
    const whole = bulk === undefined ? body : body + bulk;
    const bytes = seal.seal(frameHeader(kind, seq, ack, credit, id, tag, whole.length), whole);
    carrier.write(bytes);
    return bytes.length;
  };
}
