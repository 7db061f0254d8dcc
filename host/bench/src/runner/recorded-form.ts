import { z } from "@mltb/contract";

const window = z.object({
  inferences: z.number(),
  duration_us: z.number(),
  pre_us: z.number(),
  inference_us: z.number(),
  post_us: z.number(),
});

const outcome = z.object({
  measured: z.object({
    windows: z.array(window),
    runtime: z.object({ name: z.string(), version: z.string(), threads: z.number() }),
    method: z.string(),
    environment: z.object({ before: z.object({}), after: z.object({}) }).nullish(),
  }),
  answers: z
    .union([
      z.object({ predicted: z.array(z.number()), labels: z.array(z.number()) }),
      z.object({ refused: z.string() }),
    ])
    .nullish(),
  numerical: z.object({}),
  artifacts: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** What must be there for a run to be made of what it recorded; a value that makes no sense shows in the record. */
export const recordedForm = z.object({
  schema: z.literal("mltb.recorded/1"),
  run_id: z.string(),
  experiment: z.string(),
  started_at: z.string(),
  ended_at: z.string(),
  configuration: z.string(),
  measurements: z.array(
    z.object({
      experiment: z.int().min(0),
      target: z.string(),
      model: z.object({ name: z.string(), optimizations: z.array(z.string()) }),
      host: z.object({}),
      outcome: z.union([z.object({ failure: z.string() }), outcome]),
    }),
  ),
});

/** What a record needs of its experiment. */
export const configurationForm = z.array(
  z.object({
    bay: z.object({ racks: z.array(z.object({ targets: z.array(z.object({})) })) }),
    measure: z.object({ scenario: z.string(), warmup: z.number(), windows: z.number(), window_s: z.number() }),
  }),
);
