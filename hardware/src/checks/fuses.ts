import type { FuseRating } from "../designs/types.ts";

/** Continuous current of a fuse over its rating at room temperature (Littelfuse, Fuseology: 75 %). */
const SHARE = 0.75;
const ROOM_C = 25;

/** What a fuse carries for ever in air of a temperature, in amperes. */
export function continuous_a({ rated_a, rerate_c }: FuseRating, ambient_c: number): number {
  const [at_c, share] = rerate_c;
  const lost = ((1 - share) * Math.max(0, ambient_c - ROOM_C)) / (at_c - ROOM_C);
  return rated_a * SHARE * (1 - lost);
}
