import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Bay,
  bayTargets,
  type Fault,
  identifierSchema,
  type Loaded,
  nameSchema,
  parseOverride,
  readBayFile,
  readDocument,
  suggest,
  suggestTarget,
  z,
} from "@mltb/contract";
import { type GeneratedName, generatedModels } from "../onnx/index.ts";

const modelSchema = z.strictObject({
  name: identifierSchema,
  file: z.string().min(1).optional(),
  generate: z.enum(Object.keys(generatedModels) as [GeneratedName, ...GeneratedName[]]).optional(),
});

const stepSchema = z.union([
  z.strictObject({ transpose: z.array(z.int().min(0).max(7)).min(1).max(8) }),
  z.strictObject({ scale: z.number() }),
]);

const datasetSchema = z.strictObject({
  inputs: z.strictObject({
    file: z.string().min(1),
    dtype: z.enum(["int8", "uint8", "int16", "int32", "float32"]),
    shape: z.array(z.int().min(1)).min(1).max(8),
  }),
  labels: z.strictObject({ file: z.string().min(1), column: z.string().min(1) }),
  preprocess: z.array(stepSchema).default([]),
  metric: z.enum(["top1"]),
});

const measureSchema = z.strictObject({
  scenario: z.enum(["single-stream"]).default("single-stream"),
  warmup: z.int().min(0).max(100_000).default(10),
  windows: z.int().min(1).max(1000).default(5),
  window_s: z.number().min(0.05).max(3600).default(10),
  seed: z.int().min(0).max(0x7fffffff).default(1),
});

const experimentSchema = z.strictObject({
  experiment: identifierSchema,
  bay: z.string().min(1),
  targets: z.array(nameSchema).min(1),
  models: z.array(modelSchema).min(1),
  dataset: datasetSchema.optional(),
  measure: measureSchema.prefault({}),
});

export type Dataset = z.infer<typeof datasetSchema>;
export type Step = z.infer<typeof stepSchema>;
export type Measure = z.infer<typeof measureSchema>;

/** A model of an experiment: a file, or a network that the bench generates. */
export type ModelSource = { name: string } & ({ file: string } | { generate: GeneratedName });

/** A checked experiment; file names are absolute. */
export interface Experiment {
  name: string;
  file: string;
  bayFile: string;
  bay: Bay;
  targets: string[];
  models: ModelSource[];
  dataset?: Dataset;
  measure: Measure;
}

export type Env = Record<string, string | undefined>;

/** Folder with the data that lies beside a checkout of the bench, where there is one. */
const beside = fileURLToPath(new URL("../../../../../shared/data", import.meta.url));

/** Value of a variable that file names may use, with its default. */
function variable(name: string, env: Env): string | undefined {
  if (env[name] !== undefined && env[name] !== "") return env[name];
  const fallback = name === "MODELS_REPO" ? join(beside, "models") : name === "MLTB_DATASET" ? beside : undefined;
  return fallback !== undefined && existsSync(fallback) ? fallback : undefined;
}

interface Expanded {
  path: string;
  /** Variables that have no value. */
  unset: string[];
  variables: string[];
}

/** Expands `$MODELS_REPO` and `$MLTB_*`; other names with a dollar stay as they are. */
function expand(text: string, folder: string, env: Env): Expanded {
  const unset: string[] = [];
  const variables: string[] = [];
  const path = text.replace(/\$(\{)?(MODELS_REPO|MLTB_[A-Z0-9_]+)(?:\})?/g, (_all, _brace, name: string) => {
    variables.push(name);
    const value = variable(name, env);
    if (value === undefined) unset.push(name);
    return value ?? `$${name}`;
  });
  return { path: isAbsolute(path) ? path : resolve(folder, path), unset, variables };
}

export type ReadExperiment = { experiment: Experiment } | { faults: Fault[] };

/** Reads an experiment file and everything that it names; reports every fault and touches nothing else. */
export function readExperiment(file: string, sets: string[], env: Env): ReadExperiment {
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
  const read = readDocument(file, experimentSchema, overrides);
  if ("faults" in read) return read;
  return resolveReferences(read, resolve(file), env);
}

function resolveReferences(read: Loaded<z.infer<typeof experimentSchema>>, file: string, env: Env): ReadExperiment {
  const value = read.value;
  const folder = dirname(file);
  const faults: Fault[] = [];

  const existing = (text: string, path: (string | number)[], what: string): string => {
    const expanded = expand(text, folder, env);
    if (expanded.unset.length > 0) {
      const names = expanded.unset.join(", ");
      faults.push(
        read.fault(
          "variable-unset",
          path,
          `${what} ${text}: ${names} is not set`,
          `set ${names} to the folder that holds it`,
        ),
      );
    } else if (!existsSync(expanded.path)) {
      const mend =
        expanded.variables.length > 0 ? `is ${expanded.variables.join(", ")} set to the right folder?` : undefined;
      faults.push(read.fault("file-not-found", path, `${what} ${expanded.path} not found`, mend));
    }
    return expanded.path;
  };

  const bayFile = existing(value.bay, ["bay"], "bay file");
  let bay: Bay | undefined;
  if (faults.length === 0) {
    const loaded = readBayFile(bayFile);
    if ("faults" in loaded) faults.push(...loaded.faults);
    else bay = loaded.bay;
  }
  for (const [i, target] of value.targets.entries()) {
    const path = ["targets", i];
    if (value.targets.indexOf(target) !== i)
      faults.push(read.fault("duplicate-name", path, `target ${target} is listed twice`));
    if (bay === undefined) continue;
    const found = bayTargets(bay).find((entry) => entry.target.target === target);
    if (found === undefined) {
      faults.push(
        read.fault("unknown-target", path, `bay ${bay.bay} has no target ${target}`, suggestTarget(bay, target)),
      );
    } else if (found.target.agent === undefined) {
      const able = bayTargets(bay).filter((entry) => entry.target.agent !== undefined);
      const list = able.map((entry) => entry.target.target).join(", ");
      faults.push(read.fault("no-agent", path, `target ${target} has no inference agent`, `targets with one: ${list}`));
    }
  }
  const models: ModelSource[] = [];
  for (const [i, model] of value.models.entries()) {
    const path = ["models", i];
    if (value.models.findIndex((entry) => entry.name === model.name) !== i) {
      faults.push(read.fault("duplicate-name", [...path, "name"], `model ${model.name} is listed twice`));
    }
    if ((model.file === undefined) === (model.generate === undefined)) {
      faults.push(read.fault("value", path, `model ${model.name}: either file or generate is wanted`));
    } else if (model.file !== undefined) {
      models.push({ name: model.name, file: existing(model.file, [...path, "file"], "model") });
    } else if (model.generate !== undefined) models.push({ name: model.name, generate: model.generate });
  }
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
          read.fault(
            "value",
            ["dataset", "preprocess", i, "transpose"],
            `a permutation of the ${rank} axes 0..${rank - 1} is wanted`,
          ),
        );
      }
      rank = step.transpose.length;
    }
  }
  if (faults.length > 0 || bay === undefined) return { faults };
  return {
    experiment: {
      name: value.experiment,
      file,
      bayFile,
      bay,
      targets: value.targets,
      models,
      ...(dataset === undefined ? {} : { dataset }),
      measure: value.measure,
    },
  };
}

const kindSchema = z.looseObject({});

/** Faults of a bay or experiment file; which of the two it is shows in its first key. */
export function checkFile(file: string, sets: string[], env: Env): Fault[] {
  const read = readDocument(file, kindSchema);
  if ("faults" in read) return read.faults;
  const keys = Object.keys(read.value);
  if (keys.includes("racks") && !keys.includes("experiment")) {
    const bay = readBayFile(file);
    return "faults" in bay ? bay.faults : [];
  }
  if (!keys.includes("experiment") && keys.includes("bay") === false) {
    const hint = suggest(keys[0] ?? "", ["bay", "experiment"]);
    return [
      read.fault(
        "unknown-document",
        [],
        "neither a bay file (bay, racks) nor an experiment file (experiment, targets, models)",
        hint,
      ),
    ];
  }
  const experiment = readExperiment(file, sets, env);
  return "faults" in experiment ? experiment.faults : [];
}
