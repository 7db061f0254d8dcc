import type { Tally } from "./tally.ts";

/** Heap that the Lua state of a board may ever have had; its pointers have four bytes, and it holds the bundle's code. */
const HEAP_BYTES = 700_000;
/** What may live in a board's heap more than in the first rounds: tables that were filled since. */
const BOARD_GROWTH_BYTES = 16 * 1024;
/** What the process that runs host and boards may hold more than after its first rounds. */
const HOST_GROWTH_BYTES = 32 * 1024 * 1024;
/** Accepted share of damage on the wire, framing included. */
const WIRE_SHARE = 1e-5;

/** Most accepted frames that a 16-bit sum explains: expectation and three sigma. */
export function allowedHeavy(frames: number): number {
  const mean = frames / 65_536;
  return mean + 3 * Math.sqrt(mean);
}

/** What of the promises does not hold; empty when all do. */
export function verdict(tally: Tally): string[] {
  const { accepted, frames } = tally;
  const wrong: string[] = [];
  if (accepted.guarantee > 0) wrong.push(`${accepted.guarantee} frames with damage inside the guarantee were accepted`);
  // Below a hundred thousand frames one acceptance is above the share by chance alone.
  if (accepted.wire > Math.max(1, frames.wire * WIRE_SHARE)) {
    wrong.push(`${accepted.wire} of ${frames.wire} frames damaged on the wire were accepted, above ${WIRE_SHARE}`);
  }
  if (accepted.heavy > Math.max(1, allowedHeavy(frames.heavy))) {
    wrong.push(`${accepted.heavy} of ${frames.heavy} heavily damaged frames were accepted, above 2^-16 and 3 sigma`);
  }
  if (tally.switched > 0) wrong.push(`an output moved in ${tally.switched} rounds`);
  const all = frames.guarantee + frames.wire + frames.heavy;
  if (tally.board_rejected < 0.8 * all) {
    wrong.push(`the board saw only ${tally.board_rejected} of ${all} damaged frames`);
  }
  if (tally.deaf > 0) wrong.push(`the board did not answer after ${tally.deaf} rounds`);
  if (tally.host_hung > 0) wrong.push(`the host's session got no answer any more after ${tally.host_hung} rounds`);
  if (tally.misframed > 0) wrong.push(`the host's deframer gave other frames in ${tally.misframed} rounds`);
  if (tally.misframed_in_c > 0)
    wrong.push(`the deframer in C differs from TypeScript's in ${tally.misframed_in_c} rounds`);
  if (tally.bodies_apart > 0) {
    wrong.push(`C and TypeScript made something else of ${tally.bodies_apart} of ${tally.bodies} bodies`);
  }
  if (tally.board_miscounted > 0) {
    wrong.push(`the board accepted other frames than it was sent in ${tally.board_miscounted} rounds`);
  }
  if (tally.lua_errors > 0) wrong.push(`${tally.lua_errors} errors were caught in Lua`);
  if (tally.heap_peak_bytes > HEAP_BYTES) wrong.push(`the heap grew to ${tally.heap_peak_bytes} bytes`);
  if (tally.board_growth_bytes > BOARD_GROWTH_BYTES) {
    wrong.push(`what lives in a board's heap grew by ${tally.board_growth_bytes} bytes`);
  }
  if (tally.host_growth_bytes > HOST_GROWTH_BYTES) {
    wrong.push(`the host's own heap grew by ${tally.host_growth_bytes} bytes`);
  }
  return wrong;
}
