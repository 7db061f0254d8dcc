import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { anyName, leaseOfSchema } from "./target.ts";

const ttl = z.number().min(0.1).max(604_800).describe("time until the lease ends unless it is renewed");

export const leaseArgs = z.strictObject({
  targets: z.array(anyName).min(1).max(512).describe("all of them or none"),
  ttl_s: ttl,
  priority: z.int().min(0).max(9).default(0).describe("higher is served first; it grows by one each 30 s of waiting"),
  wait_s: z.number().min(0).max(604_800).default(0).describe("how long to wait for a turn"),
  hold: z.boolean().default(false).describe("the lease ends with the connection that asked for it"),
  holder: z
    .string()
    .regex(/^[\x20-\x7d]{1,64}$/)
    .optional()
    .describe("who holds it, in words for people; the login where it is not given"),
  experiment: z.boolean().default(false).describe("an experiment runs on the targets for as long as the lease lasts"),
});

export const leaseRenewArgs = z.strictObject({
  ttl_s: ttl,
  experiment: z
    .boolean()
    .optional()
    .describe("whether an experiment runs on the targets; as before where it is not given"),
});

export const leaseSchema = z
  .object({
    id: z.string(),
    targets: z.array(z.string()),
    holder: z.string(),
    expires_at: z.string(),
    fence: z.int(),
    priority: z.int(),
    hold: z.boolean(),
    experiment: z.boolean(),
  })
  .meta({ id: "Lease", description: "An exclusive, timed right to command targets." });

const leasesSchema = z
  .object({
    leases: z.array(leaseSchema),
    waiting: z.array(
      z
        .object({ targets: z.array(z.string()), holder: z.string(), priority: z.int(), waited_s: z.number() })
        .meta({ id: "Waiting", description: "A request that waits for its turn." }),
    ),
  })
  .meta({ id: "Leases", description: "Leases in force, and who waits." });

const ofLease = z.object({ id: z.string().min(1).max(64).describe("id of the lease") });

export const lease = feature(
  "lease",
  "Exclusive, timed leases of targets.",
  {
    list: call("GET", "/api/v1/leases", "Leases in force, and who waits.", {
      answer: leasesSchema,
      cli: "mltb lease list",
      grpc: { method: "ListLeases", fields: [] },
    }),
    acquire: call("POST", "/api/v1/leases", "Lease targets, waiting for a turn where asked.", {
      body: leaseArgs,
      answer: leaseSchema,
      status: 201,
      refusals: ["unknown_target", "malformed", "leased", "busy", "key_reused", "store_failed"],
      cli: "mltb lease TARGET...",
      grpc: { method: "AcquireLease", fields: ["targets", "ttl_s", "priority", "wait_s", "holder", "experiment"] },
    }),
    get: call("GET", "/api/v1/leases/{id}", "One lease.", {
      params: ofLease,
      answer: leaseSchema,
      refusals: ["unknown_lease", "lease_ended"],
      grpc: { method: "GetLease", fields: ["id"] },
    }),
    hold: call("GET", "/api/v1/leases/{id}/hold", "A stream bound to a lease: either ends with the other.", {
      params: ofLease,
      role: "operator",
      stream: "application/x-ndjson",
      refusals: ["unknown_lease", "lease_ended", "forbidden", "busy", "store_failed"],
    }),
    renew: call("PUT", "/api/v1/leases/{id}", "Set the time that a lease has left.", {
      params: ofLease,
      body: leaseRenewArgs,
      answer: leaseSchema,
      refusals: ["unknown_lease", "lease_ended", "malformed", "forbidden", "store_failed"],
      cli: "mltb lease renew ID",
      grpc: { method: "RenewLease", fields: ["id", "ttl_s", "experiment"] },
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
