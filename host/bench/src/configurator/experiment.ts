import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type Bay,
  bayTargets,
  type Fault,
  faultAt,
  identifierSchema,
  nameSchema,
  type Path,
  parseOverride,
  readBayFile,
  readDocument,
  readTree,
  sortFaults,
  suggest,
  suggestTarget,
  type Tree,
  z,
} from "@mltb/contract";
import { type GeneratedName, generatedModels } from "../onnx/index.ts";
import { isBenchTree, readBenchTree } from "./bench-config.ts";
import { referenceFaults, resolveExperiments } from "./bench-references.ts";
import { executionFaults } from "./bench-workflow.ts";
import { datasetSchema } from "./dataset-schema.ts";
import { measureSchema } from "./measure-schema.ts";
import { sweep, sweepFaults, sweepSchema } from "./sweep.ts";
import type { Experiment, ModelSource } from "./types.ts";
import { type Env, expand } from "./variables.ts";

const modelSchema = z.strictObject({
  name: identifierSchema,
  file: z.string().min(1).optional(),
  generate: z.enum(Object.keys(generatedModels) as [GeneratedName, ...GeneratedName[]]).optional(),
});

const experimentSchema = z.strictObject({
  experiment: identifierSchema,
  bay: z.string().min(1),
  targets: z.array(nameSchema).min(1),
  models: z.array(modelSchema).min(1),
  dataset: datasetSchema.optional(),
  measure: measureSchema.prefault({}),
  sweep: sweepSchema.optional(),
});

export type ReadExperiments = { experiments: Experiment[] } | { faults: Fault[] };
type ReadExperiment = { experiment: Experiment } | { faults: Fault[] };

/**
 * Reads an experiment file, or a typed bench file with several, and everything that it names; reports every fault and touches
 * nothing else.
 */
export function readExperiments(file: string, sets: string[], env: Env): ReadExperiments {
  const overrides = [];
  const faults: Fault[] = [];
  for (const text of sets) {
    const override = parseOverride(text);
    if (override === undefined) {
      faults.push({
        code: "usage",
        message: `--set ${text}: PATH=VALUE is wanted`,
        file,
        line: 1,
        column: 1,
        path: "",
      });
    } else overrides.push(override);
  }
  if (faults.length > 0) return { faults };
  const tree = readTree(file, overrides);
  if (isBenchTree(tree)) return readBench(tree, env);
  const read = readDocument(file, experimentSchema, overrides);
  const form = "faults" in read ? read.faults : [];
  // Of a file that does not parse, or that lacks a part, nothing more can be said.
  if (form.length > 0 && (tree.faults.length > 0 || tree.incomplete)) return { faults: form };
  const value = "faults" in read ? soundParts(tree) : read.value;
  const place = (...at: Parameters<Place>): Fault => faultAt(tree, ...at);
  const resolved = resolveReferences(value, place, resolve(file), env);
  if ("faults" in resolved) return { faults: sortFaults([...form, ...resolved.faults]) };
  if (form.length > 0) return { faults: form };
  return { experiments: sweep(resolved.experiment, value.sweep) };
}

/** Experiments of a typed bench file. While an include is missing, nothing is said of identifiers, models and data. */
function readBench(tree: Tree, env: Env): ReadExperiments {
  const { file, faults } = readBenchTree(tree);
  faults.push(...tree.faults);
  if (!file.incomplete) faults.push(...referenceFaults(file));
  if (!file.incomplete) faults.push(...executionFaults(file));
  if (!file.incomplete && file.entries.exp.size === 0 && faults.length === 0) {
    const message = "the file has no experiment: a section exps with !exp entries is wanted";
    faults.push(faultAt(tree, "missing", [], message));
  }
  if (file.incomplete) return { faults: sortFaults(faults) };
  const resolved = resolveExperiments(file, env, faults.length === 0);
  faults.push(...resolved.faults);
  if (faults.length > 0) return { faults: sortFaults(faults) };
  const bays = new Set(resolved.experiments.map((experiment) => experiment.bayFile));
  if (bays.size > 1) {
    const message = `the experiments of one file run on one bay; here are ${[...bays].join(", ")}`;
    return { faults: [faultAt(tree, "value", ["exps"], message)] };
  }
  return { experiments: resolved.experiments };
}

type Value = z.infer<typeof experimentSchema>;
/** Makes a fault at a value of the file. */
type Place = (code: string, path: Path, message: string, suggestion?: string) => Fault;
/** An experiment, or the parts of it that are sound: entries of lists stay at their places. */
type Parts = Pick<Value, "measure"> & {
  experiment: string;
  bay: string | undefined;
  targets: (string | undefined)[];
  models: (z.infer<typeof modelSchema> | undefined)[];
  dataset?: Value["dataset"];
  sweep?: Value["sweep"];
};

/** What is sound in a file whose form has faults, so that all of its faults can be told at once. */
function soundParts(tree: Tree): Parts {
  const { bay, dataset, measure, sweep: points } = experimentSchema.shape;
  const part = <T>(schema: z.ZodType<T>, path: Path): T | undefined => schema.safeParse(tree.get(path)).data;
  const entries = <T>(schema: z.ZodType<T>, key: string): (T | undefined)[] => {
    const list = tree.get([key]);
    return Array.isArray(list) ? list.map((_, i) => part(schema, [key, i])) : [];
  };
  return {
    experiment: "",
    bay: part(bay, ["bay"]),
    targets: entries(nameSchema, "targets"),
    models: entries(modelSchema, "models"),
    dataset: part(dataset, ["dataset"]),
    measure: part(measure, ["measure"]) ?? measure.parse(undefined),
    sweep: part(points, ["sweep"]),
  };
}

function resolveReferences(value: Parts, place: Place, file: string, env: Env): ReadExperiment {
  const folder = dirname(file);
  const faults: Fault[] = [];

  const existing = (text: string, path: (string | number)[], what: string): string => {
    const expanded = expand(text, folder, env);
    if (expanded.unset.length > 0) {
      const names = expanded.unset.join(", ");
      faults.push(
        place(
          "variable-unset",
          path,
          `${what} ${text}: ${names} is not set`,
          `set ${names} to the folder that holds it`,
        ),
      );
    } else if (!existsSync(expanded.path)) {
      const mend =
        expanded.variables.length > 0 ? `is ${expanded.variables.join(", ")} set to the right folder?` : undefined;
      faults.push(place("file-not-found", path, `${what} ${expanded.path} not found`, mend));
    }
    return expanded.path;
  };

  const bayFile = value.bay === undefined ? undefined : existing(value.bay, ["bay"], "bay file");
  let bay: Bay | undefined;
  if (bayFile !== undefined && faults.length === 0) {
    const loaded = readBayFile(bayFile);
    if ("faults" in loaded) faults.push(...loaded.faults);
    else bay = loaded.bay;
  }
  for (const [i, target] of value.targets.entries()) {
    if (target === undefined) continue;
    const path = ["targets", i];
    if (value.targets.indexOf(target) !== i)
      faults.push(place("duplicate-name", path, `target ${target} is listed twice`));
    if (bay === undefined) continue;
    const found = bayTargets(bay).find((entry) => entry.target.target === target);
    if (found === undefined) {
      faults.push(place("unknown-target", path, `bay ${bay.bay} has no target ${target}`, suggestTarget(bay, target)));
    } else if (found.target.agent === undefined) {
      const able = bayTargets(bay).filter((entry) => entry.target.agent !== undefined);
      const list = able.map((entry) => entry.target.target).join(", ");
      faults.push(place("no-agent", path, `target ${target} has no inference agent`, `targets with one: ${list}`));
    }
  }
  const models: ModelSource[] = [];
  for (const [i, model] of value.models.entries()) {
    if (model === undefined) continue;
    const path = ["models", i];
    if (value.models.findIndex((entry) => entry?.name === model.name) !== i) {
      faults.push(place("duplicate-name", [...path, "name"], `model ${model.name} is listed twice`));
    }
    if ((model.file === undefined) === (model.generate === undefined)) {
      faults.push(place("value", path, `model ${model.name}: either file or generate is wanted`));
    } else if (model.file !== undefined) {
      models.push({ name: model.name, file: existing(model.file, [...path, "file"], "model") });
    } else if (model.generate !== undefined) models.push({ name: model.name, generate: model.generate });
  }
  for (const { code, path, message, mend } of sweepFaults(value.sweep, value.models, value.targets))
    faults.push(place(code, ["sweep", ...path], message, mend));
  const dataset = value.dataset;
  if (dataset !== undefined) {
    dataset.inputs.file = existing(dataset.inputs.file, ["dataset", "inputs", "file"], "inputs");
    dataset.labels.file = existing(dataset.labels.file, ["dataset", "labels", "file"], "labels");
    let rank = dataset.inputs.shape.length;
    for (const [i, step] of dataset.preprocess.entries()) {
      if (!("transpose" in step)) continue;
      const sorted = [...step.transpose].sort((a, b) => a - b);
      if (step.transpose.length !== rank || sorted.some((axis, n) => axis !== n)) {
        faults.push(
          place(
            "value",
            ["dataset", "preprocess", i, "transpose"],
            `a permutation of the ${rank} axes 0..${rank - 1} is wanted`,
          ),
        );
      }
      rank = step.transpose.length;
    }
  }
  if (faults.length > 0 || bay === undefined || bayFile === undefined) return { faults };
  return {
    experiment: {
      name: value.experiment,
      file,
      bayFile,
      bay,
      targets: value.targets.filter((target) => target !== undefined),
      models,
      ...(dataset === undefined ? {} : { dataset }),
      measure: value.measure,
    },
  };
}

/** Faults of a bay, experiment or bench file; which of them it is shows in its keys. */
export function checkFile(file: string, sets: string[], env: Env): Fault[] {
  const tree = readTree(file);
  const keys = tree.value !== null && typeof tree.value === "object" ? Object.keys(tree.value) : [];
  if (keys.length === 0 && tree.faults.length > 0) return tree.faults;
  if (keys.includes("racks") && !keys.includes("experiment")) {
    const bay = readBayFile(file);
    return "faults" in bay ? bay.faults : [];
  }
  if (!keys.includes("experiment") && !keys.includes("bay") && !isBenchTree(tree)) {
    const message =
      "neither a bay file (bay, racks), an experiment file (experiment, targets, models) nor a bench file (config_files, exps)";
    return [faultAt(tree, "unknown-document", [], message, suggest(keys[0] ?? "", ["bay", "experiment", "exps"]))];
  }
  const read = readExperiments(file, sets, env);
  return "faults" in read ? read.faults : [];
}
