import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { bayTargets, type Fault, faultAt, type Path, readBayFile, suggest, suggestTarget } from "@mltb/contract";
import { type BenchFile, type Placed, sound } from "./bench-config.ts";
import { builtInMetrics, type Entry, type EntryKind, metricNames } from "./bench-schema.ts";
import { workflowNodes } from "./bench-workflow.ts";
import type { Experiment, MeasuredMetric } from "./types.ts";
import { type Env, expand } from "./variables.ts";

/** A list of an entry, whose form may have faults. */
const list = <T>(value: T[] | undefined): T[] => (Array.isArray(value) ? value : []);

/** Identifiers that an entry refers to and that nobody defines; all at their places. */
export function referenceFaults({ entries, tree }: BenchFile): Fault[] {
  const faults: Fault[] = [];
  const refer = (kind: EntryKind, identifier: unknown, path: Path): void => {
    if (typeof identifier !== "string" || entries[kind].has(identifier)) return;
    const mend = suggest(identifier, entries[kind].keys());
    faults.push(
      faultAt(
        tree,
        `unknown-${kind}`,
        path,
        `there is no ${kind} ${identifier}`,
        mend ?? `define it with !${kind} in the section ${kind}s`,
      ),
    );
  };
  for (const { value, path } of entries.component.values()) refer("service", value.service, [...path, "service"]);
  for (const { value, path } of entries.workflow.values()) faults.push(...workflowFaults(value, path, refer, tree));
  for (const { value, path } of entries.exp.values()) {
    for (const kind of ["application", "workflow", "target"] as const) refer(kind, value[kind], [...path, kind]);
    for (const [i, name] of list(value.optimizations).entries())
      refer("optimization", name, [...path, "optimizations", i]);
    for (const [i, name] of list(value.measurements).entries()) {
      if (typeof name !== "string" || entries.measurement.has(name) || Object.hasOwn(builtInMetrics, name)) continue;
      const mend = suggest(name, [...entries.measurement.keys(), ...Object.keys(builtInMetrics)]);
      faults.push(
        faultAt(
          tree,
          "unknown-measurement",
          [...path, "measurements", i],
          `${name} is neither a measurement nor a built-in metric`,
          mend,
        ),
      );
    }
  }
  return faults;
}

function workflowFaults(
  workflow: Entry<"workflow">,
  path: Path,
  refer: (kind: EntryKind, identifier: unknown, path: Path) => void,
  tree: BenchFile["tree"],
): Fault[] {
  const faults: Fault[] = [];
  const names: string[] = [];
  for (const [i, node] of list(workflow.nodes).entries()) {
    if (node === null || typeof node !== "object") continue;
    const at = [...path, "nodes", i];
    refer("service", node.service, [...at, "service"]);
    refer("component", node.component, [...at, "component"]);
    const name = node.node ?? node.component;
    if (names.includes(name))
      faults.push(
        faultAt(
          tree,
          "duplicate-name",
          at,
          `node ${name} stands twice in the workflow`,
          "name one of them: node: NAME",
        ),
      );
    // Nodes refer only to those before them, so that a workflow has no circle.
    for (const [j, before] of list(node.after).entries()) {
      if (names.includes(before)) continue;
      const mend = suggest(before, names) ?? "a node comes after nodes that stand before it";
      faults.push(faultAt(tree, "unknown-node", [...at, "after", j], `no node ${before} stands before this one`, mend));
    }
    names.push(name);
  }
  return faults;
}

/** The file of a model in a folder, as Triton's model repository has it or plain; undefined where there is none. */
function modelFile(folder: string, name: string): string | undefined {
  const own = join(folder, name);
  const versions = existsSync(own) ? readdirSync(own).filter((entry) => /^[1-9]\d*$/.test(entry)) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  const candidates = [
    ...(newest === undefined ? [] : [join(own, newest, "model.onnx")]),
    join(own, "model.onnx"),
    `${own}.onnx`,
  ];
  return candidates.find((file) => existsSync(file));
}

/**
 * Looks for the files of all experiments and reads their bays. The experiments are made only of a file that is `whole`,
 * with no other fault in it.
 */
export function resolveExperiments(
  bench: BenchFile,
  env: Env,
  whole: boolean,
): { experiments: Experiment[]; faults: Fault[] } {
  const { entries, tree } = bench;
  const faults: Fault[] = [];
  const declared: Record<string, string> = {};
  for (const entry of entries.env.values()) Object.assign(declared, sound(entry)?.variables);
  const folder = dirname(tree.place([]).file);

  // The same entry may serve several experiments, and is told of once.
  const told = new Set<string>();
  const tell = (fault: Fault): void => {
    const key = JSON.stringify(fault);
    if (!told.has(key)) faults.push(fault);
    told.add(key);
  };

  const path = (text: string, at: Path, what: string): string | undefined => {
    const expanded = expand(text, dirname(tree.place(at).file), env, declared);
    if (expanded.unset.length === 0) return expanded.path;
    const names = expanded.unset.join(", ");
    tell(
      faultAt(
        tree,
        "variable-unset",
        at,
        `${what} ${text}: ${names} is not set`,
        `set ${names} to the folder that holds it`,
      ),
    );
    return undefined;
  };

  const experiments: Experiment[] = [];
  for (const exp of entries.exp.values()) {
    const target = entries.target.get(exp.value.target);
    const application = entries.application.get(exp.value.application);
    const files = application === undefined ? undefined : applicationFiles(application, path, tree, tell);
    const bayText = target === undefined ? undefined : sound(target)?.bay;
    const bayPath =
      target === undefined || bayText === undefined ? undefined : path(bayText, [...target.path, "bay"], "bay file");
    const bay = bayPath === undefined || target === undefined ? undefined : readTargetBay(bayPath, target, tree, tell);
    const needs = sound(application);
    if (!whole || files === undefined || needs === undefined) continue;
    if (bayPath === undefined || bay === undefined || target === undefined) continue;
    const { scaling, shape, dformat, dtype, model_name } = needs;
    experiments.push({
      name: exp.value.name,
      file: join(folder, "bench.yml"),
      bayFile: bayPath,
      bay,
      targets: [target.value.name],
      models: [
        {
          name: model_name,
          file: files.model,
          optimizations: exp.value.optimizations.map((name) => {
            const { value } = entries.optimization.get(name) as Placed<Entry<"optimization">>;
            return { otype: value.otype, options: value.options };
          }),
        },
      ],
      picture: { file: files.picture, scaling, shape, dformat, dtype },
      measurements: exp.value.measurements.map((name) => metric(name, bench)),
      workflow: workflowNodes(entries.workflow.get(exp.value.workflow)?.value as Entry<"workflow">, bench),
      measure: exp.value.measure,
    });
  }
  return { experiments, faults };
}

/** Model and picture of an application; undefined where one of them is not there, or the entry does not tell where. */
function applicationFiles(
  { value, path: base }: Placed<Entry<"application">>,
  path: (text: string, at: Path, what: string) => string | undefined,
  tree: BenchFile["tree"],
  tell: (fault: Fault) => void,
): { model: string; picture: string } | undefined {
  const at = (key: string): Path => [...base, key];
  const folderOf = (key: "model_folder" | "data_folder", what: string): string | undefined =>
    typeof value[key] === "string" ? path(value[key], at(key), what) : undefined;
  const models = folderOf("model_folder", "model folder");
  const data = folderOf("data_folder", "data folder");
  const { model_name, data_name } = value;
  const named = models !== undefined && typeof model_name === "string";
  const model = named ? modelFile(models, model_name) : undefined;
  if (named && model === undefined) {
    const mend = `${model_name}/1/model.onnx or ${model_name}.onnx is looked for there; is MODELS_REPO set to the right folder?`;
    tell(faultAt(tree, "file-not-found", at("model_name"), `model ${model_name} not found in ${models}`, mend));
  }
  const picture = data !== undefined && typeof data_name === "string" ? join(data, data_name) : undefined;
  if (picture !== undefined && !existsSync(picture)) {
    const mend = "is MLTB_DATASET set to the right folder?";
    tell(faultAt(tree, "file-not-found", at("data_name"), `${picture} not found`, mend));
    return undefined;
  }
  return model === undefined || picture === undefined ? undefined : { model, picture };
}

function metric(name: string, { entries }: BenchFile): MeasuredMetric {
  const defined = entries.measurement.get(name)?.value.mname;
  const metric = defined ?? name;
  const fields = defined === undefined ? builtInMetrics : { ...builtInMetrics, ...metricNames };
  return { name, metric, field: (Object.hasOwn(fields, metric) ? fields[metric] : undefined) ?? null };
}

function readTargetBay(
  file: string,
  target: Placed<Entry<"target">>,
  tree: BenchFile["tree"],
  tell: (fault: Fault) => void,
): Experiment["bay"] | undefined {
  if (!existsSync(file)) {
    tell(faultAt(tree, "file-not-found", [...target.path, "bay"], `bay file ${file} not found`));
    return undefined;
  }
  const read = readBayFile(file);
  if ("faults" in read) {
    for (const fault of read.faults) tell(fault);
    return undefined;
  }
  const found = bayTargets(read.bay).find((entry) => entry.target.target === target.value.name);
  if (found === undefined) {
    const mend = suggestTarget(read.bay, target.value.name);
    const message = `bay ${read.bay.bay} has no target ${target.value.name}`;
    tell(faultAt(tree, "unknown-target", [...target.path, "name"], message, mend));
    return undefined;
  }
  if (found.target.agent === undefined) {
    tell(faultAt(tree, "no-agent", [...target.path, "name"], `target ${target.value.name} has no inference agent`));
    return undefined;
  }
  return read.bay;
}
