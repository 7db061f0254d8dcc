import { z } from "@mltb/contract";
import type { Experiment, Optimization } from "./types.ts";

/** Points of a sweep along the axes that `targets` and `models` do not have already. */
export const sweepSchema = z.strictObject({
  optimization: z
    .array(z.enum(["none", "dynamic-int8", "static-int8"]))
    .min(1)
    .max(8)
    .optional(),
  threads: z.array(z.int().min(1).max(64)).min(1).max(16).optional(),
});

export type Sweep = z.infer<typeof sweepSchema>;

const steps: Record<"none" | "dynamic-int8" | "static-int8", Optimization[]> = {
  none: [],
  "dynamic-int8": [{ otype: "quantization", options: ["dynamic", "int8"] }],
  "static-int8": [{ otype: "quantization", options: ["static", "int8"] }],
};

/**
 * An experiment for every point of the grid; each measures all models on all targets. A model's name says which point it was
 * measured at, so that the rows of a table can be told apart: `resnet8.dynamic-int8.2t`.
 */
export function sweep(experiment: Experiment, grid: Sweep | undefined): Experiment[] {
  if (grid === undefined) return [experiment];
  const points = (grid.optimization ?? [undefined]).flatMap((optimization) =>
    (grid.threads ?? [undefined]).map((threads) => ({ optimization, threads })),
  );
  return points.map(({ optimization, threads }) => {
    const words = [
      optimization === "none" ? undefined : optimization,
      threads === undefined ? undefined : `${threads}t`,
    ];
    const suffix = words.filter((word) => word !== undefined).map((word) => `.${word}`);
    return {
      ...experiment,
      models: experiment.models.map((model) => ({
        ...model,
        name: `${model.name}${suffix.join("")}`,
        ...(optimization === undefined ? {} : { optimizations: steps[optimization] }),
        ...(threads === undefined ? {} : { threads }),
      })),
    };
  });
}
