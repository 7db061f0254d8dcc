import { identifierSchema, nameSchema, suggest, z } from "@mltb/contract";
import type { Experiment, Optimization } from "./types.ts";

const optimizationSchema = z.enum(["none", "dynamic-int8", "static-int8"]);
const threadsSchema = z.int().min(1).max(64);

/** Axes that `targets` and `models` do not have already; every point of the grid is measured, on all targets with all models. */
const gridSchema = z.strictObject({
  optimization: z.array(optimizationSchema).min(1).max(8).optional(),
  threads: z.array(threadsSchema).min(1).max(16).optional(),
});

/** One point; what it does not name are all models, all targets, the model as it is, the agent's own number of threads. */
const pointSchema = z.strictObject({
  model: identifierSchema.optional(),
  optimization: optimizationSchema.optional(),
  target: nameSchema.optional(),
  threads: threadsSchema.optional(),
});

/** What an experiment is measured at: a grid, or a list of points. */
export const sweepSchema = z.union([gridSchema, z.array(pointSchema).min(1).max(256)]);

export type Sweep = z.infer<typeof sweepSchema>;
type Point = z.infer<typeof pointSchema>;

const steps: Record<z.infer<typeof optimizationSchema>, Optimization[]> = {
  none: [],
  "dynamic-int8": [{ otype: "quantization", options: ["dynamic", "int8"] }],
  "static-int8": [{ otype: "quantization", options: ["static", "int8"] }],
};

function pointsOf(sweep: Sweep): Point[] {
  if (Array.isArray(sweep)) return sweep;
  return (sweep.optimization ?? [undefined]).flatMap((optimization) =>
    (sweep.threads ?? [undefined]).map((threads) => ({ optimization, threads })),
  );
}

/**
 * An experiment for every point; each measures its models on its targets. A model's name says which point it was measured at, so
 * that the rows of a table can be told apart: `resnet8.dynamic-int8.2t`.
 */
export function sweep(experiment: Experiment, given: Sweep | undefined): Experiment[] {
  if (given === undefined) return [experiment];
  return pointsOf(given).map(({ model: only, optimization, target, threads }) => {
    const words = [
      optimization === "none" ? undefined : optimization,
      threads === undefined ? undefined : `${threads}t`,
    ];
    const suffix = words.filter((word) => word !== undefined).map((word) => `.${word}`);
    const models = experiment.models.filter(({ name }) => only === undefined || name === only);
    return {
      ...experiment,
      targets: target === undefined ? experiment.targets : [target],
      models: models.map((model) => ({
        ...model,
        name: `${model.name}${suffix.join("")}`,
        ...(optimization === undefined ? {} : { optimizations: steps[optimization] }),
        ...(threads === undefined ? {} : { threads }),
      })),
    };
  });
}

interface SweepFault {
  code: string;
  path: (string | number)[];
  message: string;
  mend?: string;
}

/** What is wrong with the points of a list: models and targets that the experiment does not have, points that come twice. */
export function sweepFaults(
  given: Sweep | undefined,
  models: ({ name: string } | undefined)[],
  targets: (string | undefined)[],
): SweepFault[] {
  if (!Array.isArray(given)) return [];
  const faults: SweepFault[] = [];
  const unknown = (what: "model" | "target", i: number, name: string, names: (string | undefined)[]): void => {
    const known = names.filter((entry) => entry !== undefined);
    // Of a list that has a fault itself nothing can be said.
    if (known.includes(name) || known.length < names.length) return;
    const mend = suggest(name, known);
    const message = `the experiment has no ${what} ${name}`;
    faults.push({ code: `unknown-${what}`, path: [i, what], message, ...(mend === undefined ? {} : { mend }) });
  };
  const seen = new Map<string, number>();
  for (const [i, { model, optimization = "none", target, threads }] of given.entries()) {
    if (model !== undefined)
      unknown(
        "model",
        i,
        model,
        models.map((entry) => entry?.name),
      );
    if (target !== undefined) unknown("target", i, target, targets);
    // Points that leave an axis open and others that name it may have rows in common.
    for (const each of model === undefined ? models.map((entry) => entry?.name) : [model]) {
      for (const where of target === undefined ? targets : [target]) {
        const key = JSON.stringify([each, optimization, where, threads]);
        const before = seen.get(key);
        if (before !== undefined && before !== i) {
          const message = `${each} on ${where} is measured at this point and at point ${before}`;
          faults.push({ code: "duplicate-name", path: [i], message, mend: "leave one of them out" });
        } else seen.set(key, i);
      }
    }
  }
  return faults;
}
