import { z } from "@mltb/contract";
import type { Audit } from "../store/audit.ts";
import type { App } from "./app.ts";

const entry = z.object({
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
});

/** The audit log, the newest line first. */
export function logRoutes(app: App, audit: Audit): void {
  app.get("/api/v1/log", {
    schema: {
      querystring: z.object({
        target: z.string().optional(),
        before: z.coerce.number().int().optional().describe("only lines with a smaller id"),
        after: z.coerce.number().int().optional().describe("only lines with a larger id"),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
      }),
      response: { 200: z.object({ lines: z.array(entry), lost: z.int() }) },
    },
    handler: async (request) => ({ lines: audit.read(request.query), lost: audit.lost }),
  });
}
