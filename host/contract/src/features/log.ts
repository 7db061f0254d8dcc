import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";

/** JavaScript's numbers, and so the ids, are exact up to 2^53: the document tells of a limit below. */
const lineId = z.coerce.number<string | number>().int().min(0).max(1e15);

const entrySchema = z
  .object({
    id: z.int(),
    at: z.string(),
    user: z.string(),
    role: z.string(),
    source: z.string().describe("api, mqtt, panel or policy"),
    origin: z.string(),
    action: z.string(),
    target: z.string().nullable(),
    args: z.unknown(),
    lease: z.string().nullable(),
    accepted_seq: z.int().nullable(),
    status: z.string(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    fence: z
      .int()
      .nullable()
      .optional()
      .describe("of the lease that the target had when the command was accepted; null where it had none"),
  })
  .meta({ id: "AuditEntry", description: "Who did what, when, from where, and how it ended." });

export const log = feature("log", "The audit log.", {
  list: call("GET", "/api/v1/log", "The audit log, the newest line first.", {
    query: z.object({
      target: z.string().max(64).optional(),
      before: lineId.optional().describe("only lines with a smaller id"),
      after: lineId.optional().describe("only lines with a larger id"),
      limit: z.coerce.number<string | number>().int().min(1).max(1000).default(100),
    }),
    answer: z
      .object({ lines: z.array(entrySchema), lost: z.int() })
      .meta({ id: "AuditLog", description: "Lines of the audit log, and how many could not be written." }),
    cli: "mltb log",
  }),
});
