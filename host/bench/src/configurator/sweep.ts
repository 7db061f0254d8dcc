import { IDENTIFIER, identifierSchema, nameSchema, suggest, z } from "@mltb/contract";
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

/** A model's name at a point says which it was measured at, so that the rows of a table can be told apart: `resnet8.dynamic-int8.2t`. */
function nameAt(name: string, { optimization, threads }: Point): string {
  const words = [optimization === "none" ? undefined : optimization, threads === undefined ? undefined : `${threads}t`];
  return [name, ...words.filter((word) => word !== undefined)].join(".");
}

/** An experiment for every point; each measures its models on its targets. */
export function sweep(experiment: Experiment, given: Sweep | undefined): Experiment[] {
  if (given === undefined) return [experiment];
  return pointsOf(given).map((point) => {
    const { model: only, optimization, target, threads } = point;
    const models = experiment.models.filter(({ name }) => only === undefined || name === only);
    return {
      ...experiment,
      targets: target === undefined ? experiment.targets : [target],
      models: models.map((model) => ({
        ...model,
        name: nameAt(model.name, point),
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

/**
 * What is wrong with a sweep: models and targets that the experiment does not have, points that come twice, and names of models at
 * points that are none or belong to another model.
 */
export function sweepFaults(
  given: Sweep | undefined,
  models: ({ name: string } | undefined)[],
  targets: (string | undefined)[],
): SweepFault[] {
  if (given === undefined) return [];
  const names = [...new Set(models.flatMap((entry) => (entry === undefined ? [] : [entry.name])))];
  if (Array.isArray(given)) {
    const made = given.flatMap((point, i) => nameFaults([point], names, [i]));
    return [...pointFaults(given, models, targets), ...made, ...sharedNames(given, names, (i) => [i])];
  }
  const points = pointsOf(given);
  return [...axisFaults(given), ...nameFaults(points, names, []), ...sharedNames(points, names, () => [])];
}

/** Values that an axis of a grid has twice. */
function axisFaults(grid: z.infer<typeof gridSchema>): SweepFault[] {
  return (["optimization", "threads"] as const).flatMap((axis) => {
    const values: unknown[] = grid[axis] ?? [];
    return values.flatMap((value, i) => {
      if (values.indexOf(value) === i) return [];
      return [{ code: "duplicate-name", path: [axis, i], message: `${axis} ${value} is listed twice` }];
    });
  });
}

/** Models whose name is none any more at one of the points; told once for each. */
function nameFaults(points: Point[], names: string[], path: SweepFault["path"]): SweepFault[] {
  return names.flatMap((name) => {
    const here = points.filter(({ model }) => model === undefined || model === name);
    const longest = here.map((point) => nameAt(name, point)).sort((a, b) => b.length - a.length)[0];
    if (longest === undefined || IDENTIFIER.test(longest)) return [];
    const message = `model ${name} is named ${longest} here, which has ${longest.length} characters; a name has 64 at most`;
    return [{ code: "value", path, message, mend: "give the model a shorter name" }];
  });
}

/** Points at which a model gets the name of another, or that another gets too. */
function sharedNames(points: Point[], names: string[], pathOf: (i: number) => SweepFault["path"]): SweepFault[] {
  const owners = new Map(names.map((name) => [name, name]));
  return points.flatMap((point, i) =>
    names.flatMap((name) => {
      if (point.model !== undefined && point.model !== name) return [];
      const made = nameAt(name, point);
      const owner = owners.get(made) ?? name;
      owners.set(made, owner);
      if (owner === name) return [];
      const message = `model ${name} is named ${made} here, and so is model ${owner}`;
      return [{ code: "duplicate-name", path: pathOf(i), message, mend: "rename one of them" }];
    }),
  );
}

/** What is wrong with the points of a list by themselves. */
function pointFaults(
  given: Point[],
  models: ({ name: string } | undefined)[],
  targets: (string | undefined)[],
): SweepFault[] {
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
