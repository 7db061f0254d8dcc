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
export { type BayStrapStep, strapName } from "./bay-policy.ts";
export { bootId } from "./boot-id.ts";
export { type Fault, nearest, suggest } from "./document/fault.ts";
export { checkTree, faultAt, type Loaded, type Read, readDocument, sortFaults } from "./document/read.ts";
export { documentLimits, type Override, type Path, parseOverride, readTree, type Tree } from "./document/tree.ts";
export { asyncapi } from "./documents/asyncapi.ts";
export { openapi } from "./documents/openapi.ts";
export { protoAnswer, requestFields } from "./documents/proto.ts";
export { BayError, ErrorCode, type ErrorName, httpStatus, isBayError, wireCode } from "./errors.ts";
export { starts } from "./features/board.ts";
export {
  type CalibrationRecord,
  type CalibrationView,
  calibrationArgs,
  calibrationRecordSchema,
  nominalCalibration,
} from "./features/calibration.ts";
export { rearmArgs } from "./features/faults.ts";
export { type AnswerOf, type Call, type InputOf, type Role, roles } from "./features/feature.ts";
export { calls, features } from "./features/index.ts";
export { leaseArgs, leaseRenewArgs, leaseSchema } from "./features/lease.ts";
export { locateArgs } from "./features/locate.ts";
export { panelArgs } from "./features/panel.ts";
export { powerArgs } from "./features/power.ts";
export type { Meter } from "./features/recording.ts";
export { resetArgs } from "./features/reset.ts";
export { strapArgs } from "./features/strap.ts";
export { powerStateSchema, type TargetView, targetSchema } from "./features/target.ts";
export { hostOf, hostPort, isLoopback, isWildcard } from "./host-port.ts";
export { IDENTIFIER, identifierSchema, NAME, nameSchema } from "./names.ts";
export { type Answer, commandSchema, problemSchema } from "./payloads.ts";
export { processStart } from "./process-start.ts";
export { INSTANCE_KEY, protoFile } from "./proto.ts";
export { z } from "./schema.ts";
export { SIMULATED_SERIAL, simulatedAt } from "./simulated.ts";
export { parseCommandTopic, type TopicRow, topics, topicTable } from "./topics.ts";
