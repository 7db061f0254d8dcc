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
export { checkTree, faultAt, type Loaded, type Read, readDocument, sortFaults } from "./document/read.ts";
export { documentLimits, type Override, type Path, parseOverride, readTree, type Tree } from "./document/tree.ts";
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
