/**
 * The door for firmware builds. The transpiler bundles every file that a door reaches, used or not, so a board's door
 * leaves out what only hosts need.
 */
export { crc16 } from "./bytes/crc16.ts";
export { createSeal } from "./frame/seal.ts";
export { CONTROL_BODY_BYTES, LOG_TEXT_BYTES, MAJOR, MINOR, WINDOW_FRAMES } from "./limits.ts";
export { type BoardHooks, type BoardSession, createBoardSession } from "./link/board-session.ts";
export type { Message, MessageName } from "./messages/index.ts";
export { Stream } from "./messages/measure.ts";
export { Button, Press } from "./messages/panel.ts";
export { bodyCheck, Cause, ChannelState, Fault, Outcome, PowerAction } from "./messages/power.ts";
export { TripSource } from "./messages/protection.ts";
export { RackFlag } from "./messages/rack.ts";
export { Refusal } from "./messages/refusals.ts";
export { HostLoss, Restore, STRAP_STEP_BYTES, STRAP_STEPS, StrapLine, StrapStep } from "./messages/settings.ts";
export { TABLE_FINGERPRINT } from "./messages/table-fingerprint.ts";
export { FirmwareState } from "./messages/transfer.ts";
export { type Body, useRuntimeCodec } from "./schema/codec.ts";
