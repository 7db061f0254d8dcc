/** The door for the firmware of floor boards, as `board.ts` is for monitoring boards. */
export { floorBoard } from "./boards/floor.ts";
export { ADM1272 } from "./parts/adm1272.ts";
export { TMP105 } from "./parts/tmp105.ts";
export type { FloorBoard, SlowLimits } from "./types.ts";
