import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { bayTargets, type Fault, faultAt, type Path, readBayFile, suggest, suggestTarget } from "@mltb/contract";
import type { BenchFile, Placed } from "./bench-config.ts";
import { builtInMetrics, type Entry, type EntryKind, metricNames } from "./bench-schema.ts";
import { workflowNodes } from "./bench-workflow.ts";
import type { Experiment, MeasuredMetric } from "./types.ts";
import { type Env, expand } from "./variables.ts";

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
    for (const [i, name] of (value.optimizations ?? []).entries())
      refer("optimization", name, [...path, "optimizations", i]);
    for (const [i, name] of (value.measurements ?? []).entries()) {
      if (entries.measurement.has(name) || Object.hasOwn(builtInMetrics, name)) continue;
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
  const nodes = Array.isArray(workflow.nodes) ? workflow.nodes : [];
  for (const [i, node] of nodes.entries()) {
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
    for (const [j, before] of (node.after ?? []).entries()) {
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

/** Experiments of a file whose references hold: their files are looked for, their bays read. */
export function resolveExperiments(bench: BenchFile, env: Env): { experiments: Experiment[]; faults: Fault[] } {
  const { entries, tree } = bench;
  const faults: Fault[] = [];
  const declared: Record<string, string> = {};
  for (const { value } of entries.env.values()) Object.assign(declared, value.variables);
  const folder = dirname(tree.place([]).file);

  const path = (text: string, at: Path, what: string): string | undefined => {
    const expanded = expand(text, dirname(tree.place(at).file), env, declared);
    if (expanded.unset.length === 0) return expanded.path;
    const names = expanded.unset.join(", ");
    faults.push(
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
    const target = entries.target.get(exp.value.target) as Placed<Entry<"target">>;
    const application = entries.application.get(exp.value.application) as Placed<Entry<"application">>;
    const at = (key: string): Path => [...application.path, key];
    const models = path(application.value.model_folder, at("model_folder"), "model folder");
    const data = path(application.value.data_folder, at("data_folder"), "data folder");
    const file = models === undefined ? undefined : modelFile(models, application.value.model_name);
    if (models !== undefined && file === undefined) {
      const name = application.value.model_name;
      const mend = `${name}/1/model.onnx or ${name}.onnx is looked for there; is MODELS_REPO set to the right folder?`;
      faults.push(faultAt(tree, "file-not-found", at("model_name"), `model ${name} not found in ${models}`, mend));
    }
    const picture = data === undefined ? undefined : join(data, application.value.data_name);
    if (picture !== undefined && !existsSync(picture))
      faults.push(
        faultAt(
          tree,
          "file-not-found",
          at("data_name"),
          `${picture} not found`,
          "is MLTB_DATASET set to the right folder?",
        ),
      );
    const bayPath = path(target.value.bay, [...target.path, "bay"], "bay file");
    const bay = bayPath === undefined ? undefined : readTargetBay(bayPath, target, tree, faults);
    if (file === undefined || picture === undefined || bayPath === undefined || bay === undefined) continue;
    const { scaling, shape, dformat, dtype } = application.value;
    experiments.push({
      name: exp.value.name,
      file: join(folder, "bench.yml"),
      bayFile: bayPath,
      bay,
      targets: [target.value.name],
      models: [
        {
          name: application.value.model_name,
          file,
          optimizations: exp.value.optimizations.map((name) => {
            const { value } = entries.optimization.get(name) as Placed<Entry<"optimization">>;
            return { otype: value.otype, options: value.options };
          }),
        },
      ],
      picture: { file: picture, scaling, shape, dformat, dtype },
      measurements: exp.value.measurements.map((name) => metric(name, bench)),
      workflow: workflowNodes(entries.workflow.get(exp.value.workflow)?.value as Entry<"workflow">, bench),
      measure: exp.value.measure,
    });
  }
  return { experiments, faults };
}

function metric(name: string, { entries }: BenchFile): MeasuredMetric {
  const defined = entries.measurement.get(name)?.value.mname;
  const field = defined === undefined ? builtInMetrics[name] : (metricNames[defined] ?? builtInMetrics[defined]);
  return { name, metric: defined ?? name, field: field ?? null };
}

function readTargetBay(
  file: string,
  target: Placed<Entry<"target">>,
  tree: BenchFile["tree"],
  faults: Fault[],
): Experiment["bay"] | undefined {
  if (!existsSync(file)) {
    faults.push(faultAt(tree, "file-not-found", [...target.path, "bay"], `bay file ${file} not found`));
    return undefined;
  }
  const read = readBayFile(file);
  if ("faults" in read) {
    faults.push(...read.faults);
    return undefined;
  }
  const found = bayTargets(read.bay).find((entry) => entry.target.target === target.value.name);
  if (found === undefined) {
    const mend = suggestTarget(read.bay, target.value.name);
    const message = `bay ${read.bay.bay} has no target ${target.value.name}`;
    faults.push(faultAt(tree, "unknown-target", [...target.path, "name"], message, mend));
    return undefined;
  }
  if (found.target.agent === undefined) {
    faults.push(
      faultAt(tree, "no-agent", [...target.path, "name"], `target ${target.value.name} has no inference agent`),
    );
    return undefined;
  }
  return read.bay;
}
