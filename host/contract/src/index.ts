/** Documents, topics, payloads and errors: all that agents and clients may import. The only door of the package. */
export {
  type Bay,
  type BayBoard,
  type BayRack,
  type BayTarget,
  bayTargets,
  readBayFile,
  suggestTarget,
} from "./bay.ts";
export { type Fault, nearest, suggest } from "./document/fault.ts";
export { type Loaded, type Override, parseOverride, type Read, readDocument } from "./document/read.ts";
export { BayError, ErrorCode, type ErrorName, httpStatus, isBayError, wireCode } from "./errors.ts";
export { IDENTIFIER, identifierSchema, NAME, nameSchema } from "./names.ts";
export {
  type Answer,
  commandSchema,
  locateArgs,
  panelArgs,
  powerArgs,
  powerStateSchema,
  rearmArgs,
  resetArgs,
  type TargetView,
  targetSchema,
} from "./payloads.ts";
export { protoFile } from "./proto.ts";
export { z } from "./schema.ts";
export { parseCommandTopic, type TopicRow, topics, topicTable } from "./topics.ts";
