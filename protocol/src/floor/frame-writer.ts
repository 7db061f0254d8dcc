/** In place of `link/frame-writer.ts` where the runtime seals. */
import type { Seal } from "../frame/seal.ts";
import type { Carrier } from "../link/carrier.ts";
import type { WriteFrame } from "../link/frame-writer.ts";

/** The carrier's own way to send frames. */
export function frameWriter(carrier: Carrier, _seal: Seal): WriteFrame {
  return carrier.writeFrame as WriteFrame;
}
