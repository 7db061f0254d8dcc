import { z } from "./schema.ts";

/** A command on `cmd/USER/...`. */
export const commandSchema = z
  .strictObject({
    id: z.string().min(1).max(64).describe("one and the same command has one and the same id"),
    expires_at: z.iso.datetime({ offset: true }).optional().describe("after this time the command is refused"),
    lease: z.string().optional().describe("the lease under which it is sent; it counts only from who has taken it"),
    args: z.unknown().optional().describe("the body of the HTTP resource of the same name"),
  })
  .meta({ id: "Command", description: "A command." });

export const answerSchema = z
  .object({
    id: z.string(),
    status: z.enum(["accepted", "done", "refused", "failed", "unknown"]),
    code: z.string().optional(),
    message: z.string().optional(),
    state: z.unknown().optional(),
    accepted_seq: z.int().optional(),
  })
  .meta({ id: "Answer", description: "An answer to a command." });

export type Answer = z.infer<typeof answerSchema>;

/** An RFC 9457 problem document. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe("stable; listed at the operation"),
    detail: z.string(),
    suggestion: z.string().optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem document." });
