import { z } from "@mltb/contract";

const stepSchema = z.union([
  z.strictObject({ transpose: z.array(z.int().min(0).max(7)).min(1).max(8) }),
  z.strictObject({ scale: z.number() }),
]);

/** The `dataset` block of an experiment file: records back to back, their labels, what is done to them. */
export const datasetSchema = z.strictObject({
  inputs: z.strictObject({
    file: z.string().min(1),
    dtype: z.enum(["int8", "uint8", "int16", "int32", "float32"]),
    shape: z.array(z.int().min(1)).min(1).max(8),
  }),
  labels: z.strictObject({ file: z.string().min(1), column: z.string().min(1) }),
  preprocess: z.array(stepSchema).default([]),
  metric: z.enum(["top1"]),
});

export type Dataset = z.infer<typeof datasetSchema>;
export type Step = z.infer<typeof stepSchema>;
