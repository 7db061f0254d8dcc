import { z } from "@mltb/contract";

/** How an experiment measures: the `measure` block of an experiment file, with its defaults. */
export const measureSchema = z.strictObject({
  scenario: z.enum(["single-stream"]).default("single-stream"),
  warmup: z.int().min(0).max(100_000).default(10),
  windows: z.int().min(1).max(1000).default(5),
  window_s: z.number().min(0.05).max(3600).default(10),
  seed: z.int().min(0).max(0x7fffffff).default(1),
});

export type Measure = z.infer<typeof measureSchema>;
