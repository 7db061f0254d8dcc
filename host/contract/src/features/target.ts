import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";

export const powerStateSchema = z.enum(["on", "off", "changing", "fault", "unknown"]);

export const faultSchema = z
  .object({ id: z.string(), cause: z.string(), at: z.string() })
  .meta({ id: "Fault", description: "A latched fault." });

export const leaseOfSchema = z
  .object({ id: z.string(), holder: z.string(), expires_at: z.string() })
  .meta({ id: "LeaseOf", description: "Who holds a target." });

export const healthSchema = z.record(z.string(), z.unknown());

/** A target as HTTP shows it, INTERFACES section 4. */
export const targetSchema = z
  .object({
    name: z.string(),
    rack: z.string(),
    channel: z.int(),
    power: powerStateSchema,
    voltage_v: z.number().nullable(),
    current_a: z.number().nullable(),
    power_w: z.number().nullable(),
    energy_j: z.number().nullable(),
    fault: faultSchema.nullable(),
    lease: leaseOfSchema.nullable(),
    health: healthSchema,
    seq: z.int(),
    unproved: z.literal(true).optional().describe("its power back end measures nothing: the state is what it claims"),
  })
  .meta({ id: "Target", description: "A target as its board last proved it." });
export type TargetView = z.infer<typeof targetSchema>;

/** A name that may be unknown: one that no target could have is unknown like any other. */
export const anyName = z.string().min(1).max(64);

/** The argument of every call on one target. */
export const ofTarget = z.object({ target: anyName.describe("name of the target") });

/** What any command to a target may be refused with. */
export const commandRefusals = [
  "unknown_target",
  "malformed",
  "superseded",
  "fault_latched",
  "interlocked",
  "over_budget",
  "refused_by_board",
  "busy",
  "not_confirmed",
  "board_failed",
  "board_lost",
  "outcome_unknown",
] as const;

export const target = feature(
  "target",
  "Targets of the bay and what is known of them.",
  {
    list: call("GET", "/api/v1/targets", "Every target of the bay.", {
      answer: z.array(targetSchema),
      cli: "mltb status",
      grpc: { method: "ListTargets", fields: [] },
    }),
    get: call("GET", "/api/v1/targets/{target}", "One target.", {
      params: ofTarget,
      answer: targetSchema,
      refusals: ["unknown_target"],
      cli: "mltb power status TARGET",
      grpc: { method: "GetTarget", fields: ["target"] },
    }),
  },
  [
    state(
      "target/T/state/flags",
      z.object({ experiment_running: z.boolean(), available: z.boolean() }),
      "Whether an experiment runs on the target, and whether it can be used.",
    ),
  ],
);
