import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { anyName, leaseOfSchema } from "./target.ts";

export const leaseArgs = z.strictObject({
  targets: z.array(anyName).min(1).max(64).describe("all of them or none"),
  ttl_s: z.number().min(1).max(604_800).describe("time until the lease ends unless it is renewed"),
  priority: z.int().min(0).max(9).optional().describe("9 is served first; 0 by default"),
  wait_s: z.number().min(0).max(86_400).optional().describe("how long to wait for a turn; 0 by default"),
  hold: z.boolean().optional().describe("the lease ends with the connection that asked for it"),
});

export const leaseRenewArgs = z.strictObject({ ttl_s: leaseArgs.shape.ttl_s.optional() });

export const leaseSchema = z
  .object({
    id: z.string(),
    targets: z.array(z.string()),
    holder: z.string(),
    expires_at: z.string(),
    fence: z.int(),
  })
  .meta({ id: "Lease", description: "An exclusive, timed right to command targets." });

const ofLease = z.object({ id: z.string().min(1).max(64).describe("id of the lease") });

export const lease = feature(
  "lease",
  "Exclusive, timed leases of targets.",
  {
    list: call("GET", "/api/v1/leases", "Leases in force.", {
      answer: z.array(leaseSchema),
      cli: "mltb lease list",
      grpc: { method: "ListLeases", fields: [] },
    }),
    acquire: call("POST", "/api/v1/leases", "Lease targets, waiting for a turn where asked.", {
      body: leaseArgs,
      answer: leaseSchema,
      status: 201,
      refusals: ["unknown_target", "malformed", "leased"],
      cli: "mltb lease TARGET...",
      grpc: { method: "AcquireLease", fields: ["targets", "ttl_s", "priority", "wait_s"] },
    }),
    renew: call("PUT", "/api/v1/leases/{id}", "Set the time that a lease has left.", {
      params: ofLease,
      body: leaseRenewArgs,
      answer: leaseSchema,
      refusals: ["unknown_lease", "malformed", "forbidden"],
      cli: "mltb lease renew ID",
      grpc: { method: "RenewLease", fields: ["id", "ttl_s"] },
    }),
    release: call("DELETE", "/api/v1/leases/{id}", "End a lease; its targets go to their end policy.", {
      params: ofLease,
      refusals: ["unknown_lease", "forbidden"],
      cli: "mltb lease release ID",
      grpc: { method: "ReleaseLease", fields: ["id"] },
    }),
  },
  [state("target/T/state/lease", leaseOfSchema.nullable(), "Holder of the lease, or null.")],
);
