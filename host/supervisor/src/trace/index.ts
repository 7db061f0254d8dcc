/** The door for those who read traces of links without a bay. */
export { bodyText, type Decoded, decodeTrace } from "./decode.ts";
export { type ReplayEvent, replayTrace } from "./replay.ts";
export { parseTrace, readTrace, type Trace } from "./trace.ts";
