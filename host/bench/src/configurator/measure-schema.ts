import { z } from "@mltb/contract";

/** How an experiment measures: the `measure` block of an experiment file, with its defaults. */
export const measureSchema = z
  .strictObject({
    /** Of MLPerf's LoadGen: one query after the other, several samples a query, Poisson arrivals, everything at once. */
    scenario: z.enum(["single-stream", "multi-stream", "server", "offline"]).default("single-stream"),
    /** Samples of a query in the multi-stream scenario. */
    samples_per_query: z.int().min(1).max(1024).default(8),
    /** Arrivals per second in the server scenario, which needs it. */
    target_per_s: z.number().positive().max(1e6).optional(),
    /** What p99 must keep in the server scenario for a valid result. */
    latency_bound_us: z.number().positive().optional(),
    warmup: z.int().min(0).max(100_000).default(10),
    windows: z.int().min(1).max(1000).default(5),
    window_s: z.number().min(0.05).max(3600).default(10),
    seed: z.int().min(0).max(0x7fffffff).default(1),
  })
  .refine(({ scenario, target_per_s }) => scenario !== "server" || target_per_s !== undefined, {
    path: ["target_per_s"],
    message: "the server scenario needs it: add target_per_s: RATE",
  });

export type Measure = z.infer<typeof measureSchema>;
