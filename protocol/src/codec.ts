/** The door for a build of the codec without a session. */
import { decodeFrame, encodeFrame, type Frame } from "./frame/frame.ts";
import { messageById } from "./messages/index.ts";
import { decodeBody, encodeBody } from "./schema/codec.ts";

export { crc16 } from "./bytes/crc16.ts";
export { createSeal } from "./frame/seal.ts";
export { type Body, useRuntimeCodec } from "./schema/codec.ts";
export type { Frame };
export const codec = { decodeFrame, encodeFrame, messageById, decodeBody, encodeBody };
