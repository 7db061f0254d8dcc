import type { Damage } from "./damage.ts";

/** Sums over rounds; they are the state that a run is resumed from. */
export interface Tally {
  bytes: number;
  rounds: number;
  /** Rounds whose board had the receiving end and the bodies in C, as the images have. */
  rounds_in_c: number;
  /** Damaged frames by kind of damage, and those that the decoder took for good ones with another content. */
  frames: Record<Damage, number>;
  accepted: Record<Damage, number>;
  /** Rounds after which an output of the board stood elsewhere than before. */
  switched: number;
  /** Rounds after which the board did not answer a new host any more. */
  deaf: number;
  /** Rounds after which the host's session that had heard the damage got no answer any more, however often it asked. */
  host_hung: number;
  /** Rounds in which good and damaged frames in pieces of any length gave other frames than the blocks do one by one. */
  misframed: number;
  /** The same for the board's receiving end in C, its counters of each fault included. */
  misframed_in_c: number;
  /** Bodies, good and damaged, that went through C and TypeScript, and those of which the two made something else. */
  bodies: number;
  bodies_apart: number;
  /** Blocks that the board itself has rejected, as its counters say. */
  board_rejected: number;
  /** Rounds in which the board took more or fewer frames for good ones than there were among what it was sent. */
  board_miscounted: number;
  lua_errors: number;
  heap_peak_bytes: number;
  /** What the least heap of a board in a part of the rounds, which is what lives, was above that of the first part. */
  board_growth_bytes: number;
  /** What this process's heap held more than after its first rounds, after a collection. */
  host_growth_bytes: number;
}

export function emptyTally(): Tally {
  return {
    bytes: 0,
    rounds: 0,
    rounds_in_c: 0,
    frames: { guarantee: 0, wire: 0, heavy: 0 },
    accepted: { guarantee: 0, wire: 0, heavy: 0 },
    switched: 0,
    deaf: 0,
    host_hung: 0,
    misframed: 0,
    misframed_in_c: 0,
    bodies: 0,
    bodies_apart: 0,
    board_rejected: 0,
    board_miscounted: 0,
    lua_errors: 0,
    heap_peak_bytes: 0,
    board_growth_bytes: 0,
    host_growth_bytes: 0,
  };
}
