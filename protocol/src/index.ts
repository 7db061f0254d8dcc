/** The only door of the package: what both ends of the wire agree on. */
export { crc16 } from "./bytes/crc16.ts";
export { cobsDecode, cobsEncode } from "./frame/cobs.ts";
export { type Deframer, deframer, type FrameCounters, frameCounters } from "./frame/deframer.ts";
export { decodeFrame, encodeFrame, type Frame, type FrameFault, Kind } from "./frame/frame.ts";
export { createSeal, nodeSeal, type Seal, SealFault } from "./frame/node-seal.ts";
export * from "./limits.ts";
export { type BoardHooks, type BoardSession, createBoardSession } from "./link/board-session.ts";
export type { Carrier } from "./link/carrier.ts";
export { type LinkCounters, linkCounters } from "./link/counters.ts";
export { createHostSession, type HostHooks, type HostSession, type RequestOutcome } from "./link/host-session.ts";
export type { Port } from "./link/port.ts";
export {
  type AnswerOf,
  allMessages,
  decode,
  encode,
  type Message,
  type MessageName,
  messageById,
  messageNamed,
  type RequestName,
} from "./messages/index.ts";
export { Stream } from "./messages/measure.ts";
export { Button, Press } from "./messages/panel.ts";
export { bodyCheck, Cause, ChannelState, Fault, Outcome, PowerAction } from "./messages/power.ts";
export { TripSource } from "./messages/protection.ts";
export { RackFlag } from "./messages/rack.ts";
export { Refusal, refusalName } from "./messages/refusals.ts";
export {
  HostLoss,
  Restore,
  STRAP_STEP_BYTES,
  STRAP_STEPS,
  StrapLine,
  StrapStep,
} from "./messages/settings.ts";
export { TABLE_FINGERPRINT } from "./messages/table-fingerprint.ts";
export { BundleFormat, FirmwareState } from "./messages/transfer.ts";
export { type Body, decodeBody, encodeBody } from "./schema/codec.ts";
export type { Descriptor } from "./schema/message.ts";
