/** The door for the firmware of floor boards: a session over the runtime's own codec, core and power messages. */
export type { Seal } from "../frame/seal.ts";
export { CONTROL_BODY_BYTES, MAJOR, MINOR, WINDOW_FRAMES } from "../limits.ts";
export { type BoardSession, createBoardSession } from "../link/board-session.ts";
export { bodyCheck, Cause, ChannelState, Fault, Outcome, PowerAction } from "../messages/power.ts";
export { Refusal } from "../messages/refusals.ts";
export type { Body } from "../schema/codec.ts";
