import { ratings } from "../generated/monitoring-ratings.ts";
import { z } from "./schema.ts";

/** A current limit up to what the parts of a channel bear. */
const upTo = (most_a: number): z.ZodNumber =>
  z.number().min(0.001).max(most_a, `above the rating of a channel, ${most_a} A`);
const volts = z.number().min(0).max(60);

/** Limits of a channel; what is not given is the board's own. Zero switches a software limit off. */
const limitsSchema = z
  .strictObject({
    hard_a: upTo(ratings.hard_a).optional(),
    slow_a: upTo(ratings.rated_a).optional(),
    // No rating: every part bears the hard limit for ever.
    slow_ms: z.int().min(1).max(60_000).optional(),
    inrush_a: upTo(ratings.inrush_a).optional(),
    inrush_ms: z
      .int()
      .min(0)
      .max(ratings.inrush_ms, `above the rating of a channel, ${ratings.inrush_ms} ms`)
      .optional(),
    over_v: volts.optional(),
    under_v: volts.optional(),
    reverse_a: z.number().min(0).max(60).optional(),
    drift_a: z.number().min(0).max(60).optional(),
  })
  .refine((limits) => limits.slow_a === undefined || limits.hard_a === undefined || limits.slow_a <= limits.hard_a, {
    message: "slow_a is above hard_a",
    path: ["slow_a"],
  })
  .refine(
    ({ hard_a = ratings.hard_a, inrush_a = ratings.inrush_a, inrush_ms }) => inrush_ms === 0 || inrush_a >= hard_a,
    { message: `inrush_a is below hard_a, which is ${ratings.hard_a} A where it is not given`, path: ["inrush_a"] },
  );

const wait_ms = z.int().min(0).max(60_000).default(0);
const stepSchema = z.union([
  z.strictObject({ power: z.enum(["off", "on"]), wait_ms }),
  z.strictObject({
    lines: z.strictObject({ reset: z.boolean().default(false), strap: z.boolean().default(false) }),
    wait_ms,
  }),
]);
export type BayStrapStep = z.infer<typeof stepSchema>;

/** Name of a strap sequence on the board, which keeps the sequences of its channels side by side. */
export const strapName = (channel: number, name: string): string => `${channel}.${name}`;

/** What a target's channel does by itself; the board stores and runs it. */
export const channelPolicy = {
  /** After an outage of the board. */
  restore: z.enum(["off", "on", "last"]).default("off"),
  /** Without a supervisor: nothing, or off after a time. */
  host_loss: z.union([z.literal("keep"), z.strictObject({ off_after_s: z.number().min(0.1).max(65) })]).default("keep"),
  limits: limitsSchema.optional(),
  /** Of the targets of a rack that name the same group at most one is on. */
  interlock: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "lower-case letters, digits and dashes are wanted")
    .optional(),
  straps: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,17}$/, "at most 18 lower-case letters, digits and dashes are wanted"),
      z.array(stepSchema).min(1).max(32),
    )
    .optional(),
};

/** Rules of a whole rack. */
export const rackPolicy = {
  /** The slow limits of the targets that are on never exceed this together. */
  budget_a: z.number().min(0.1).max(65).optional(),
  /** Least time between two switches that close. */
  stagger_ms: z.int().min(0).max(2000).default(0),
};
