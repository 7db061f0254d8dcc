/** In place of `frame/deframer.ts` where the runtime deframes and counts. */
import type { Deframer } from "../frame/deframer.ts";
import type { Frame } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";

/** A deframer that never gets a byte. */
export function deframer(_cap: number, _seal: Seal, _onFrame: (this: void, frame: Frame) => void): Deframer {
  return {} as Deframer;
}
