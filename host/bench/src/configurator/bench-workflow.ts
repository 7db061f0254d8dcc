import { type Fault, faultAt, type Path, suggest } from "@mltb/contract";
import { type BenchFile, type Placed, sound } from "./bench-config.ts";
import type { Entry } from "./bench-schema.ts";
import type { WorkflowNode } from "./types.ts";

/** What this version does for a class of services. Another class, phase or parameter is a line here and its executor. */
interface ServiceClass {
  executor: WorkflowNode["executor"];
  /** Phases between `config` and `start` that its executor carries out, in their order. */
  phases: string[];
  /** Those of a service that names none. */
  usual: string[];
  /** Parameters that the executor reads. */
  parameters: string[];
}

const classes: Partial<Record<Entry<"service">["class"], ServiceClass>> = {
  quantization: {
    executor: "quantize",
    phases: ["quantize", "recalibrate"],
    usual: ["quantize"],
    parameters: ["options", "samples"],
  },
  deployment: { executor: "deploy", phases: [], usual: [], parameters: [] },
  inference: { executor: "measure", phases: [], usual: [], parameters: ["threads"] },
};

/** Largest values of parameters that are counts. */
const most: Record<string, number> = { threads: 256, samples: 10_000 };

const available = Object.keys(classes).join(", ");

type Say = (code: string, path: Path, message: string, mend?: string) => void;

/** What of a bench file cannot be carried out, at its place; entries with faults of form, and references to nothing, are passed over. */
export function executionFaults(bench: BenchFile): Fault[] {
  const { entries, tree } = bench;
  const faults: Fault[] = [];
  const say: Say = (code, path, message, mend) => faults.push(faultAt(tree, code, path, message, mend));
  const whole = <T>(placed: Map<string, Placed<T>>): Placed<T>[] =>
    [...placed.values()].filter((entry) => entry.faulty === undefined);
  for (const service of whole(entries.service)) serviceFaults(service, say);
  for (const component of whole(entries.component)) parameterFaults(component, bench, say);
  const used = new Set([...entries.exp.values()].map(({ value }) => value.workflow));
  for (const workflow of whole(entries.workflow))
    if (used.has(workflow.value.identifier)) shapeFaults(workflow, bench, say);
  for (const exp of whole(entries.exp)) optimizationFaults(exp, bench, say);
  return faults;
}

function serviceFaults({ value, path }: Placed<Entry<"service">>, say: Say): void {
  const known = classes[value.class];
  // That nobody does such a service is told where a workflow wants it.
  if (known === undefined) return;
  for (const [i, phase] of value.phases.entries()) {
    if (known.phases.includes(phase)) continue;
    const message = `phase ${phase} of class ${value.class} is not available in this version`;
    const list = known.phases.length === 0 ? "it has none" : `available: ${known.phases.join(", ")}`;
    say("not-available", [...path, "phases", i], message, list);
  }
  const orders = value.phases.map((phase) => known.phases.indexOf(phase));
  const late = orders.findIndex((at, i) => i > 0 && at >= 0 && at <= (orders[i - 1] as number));
  if (late >= 0) {
    const message = `phase ${value.phases[late]} does not come after ${value.phases[late - 1]}`;
    say("value", [...path, "phases", late], message, `their order: ${known.phases.join(", ")}`);
  }
  for (const [name, { type, values, default: given }] of Object.entries(value.parameters)) {
    const at = [...path, "parameters", name];
    if (!known.parameters.includes(name)) {
      const list = known.parameters.join(", ");
      const mend = known.parameters.length === 0 ? "it takes none" : `it takes: ${list}`;
      say("unknown-parameter", at, `services of class ${value.class} take no parameter ${name}`, mend);
    } else if (given !== undefined) {
      const reason = misfit(name, given, type, values);
      if (reason !== undefined) say("value", [...at, "default"], reason);
    }
  }
}

/** Why a value does not fit a parameter; undefined where it does. */
function misfit(name: string, value: unknown, type: string, values: unknown[] | undefined): string | undefined {
  const is = Array.isArray(value) ? "list" : typeof value;
  if (is !== type) return `${name}: a ${type} is wanted, this is a ${is}`;
  const wrong = [value].flat().find((entry) => values !== undefined && !values.includes(entry));
  if (wrong !== undefined) return `${name}: ${String(wrong)} is none of ${values?.join(", ")}`;
  const largest = most[name];
  if (largest !== undefined && !(Number.isInteger(value) && Number(value) >= 1 && Number(value) <= largest))
    return `${name}: a whole number from 1 to ${largest} is wanted`;
  return undefined;
}

function parameterFaults({ value, path }: Placed<Entry<"component">>, { entries }: BenchFile, say: Say): void {
  const service = sound(entries.service.get(value.service));
  if (service === undefined) return;
  for (const [name, given] of Object.entries(value.parameters)) {
    const at = [...path, "parameters", name];
    const schema = Object.hasOwn(service.parameters, name) ? service.parameters[name] : undefined;
    if (schema === undefined) {
      const mend = suggest(name, Object.keys(service.parameters));
      say("unknown-parameter", at, `service ${service.identifier} has no parameter ${name}`, mend);
      continue;
    }
    const reason = misfit(name, given, schema.type, schema.values);
    if (reason !== undefined) say("value", at, reason);
  }
}

/** A workflow deploys a model on its board and then infers it, behind a quantisation where there is one. */
function shapeFaults({ value, path }: Placed<Entry<"workflow">>, { entries }: BenchFile, say: Say): void {
  const places = new Map<string, { name: string; path: Path; after: string[] }>();
  let unknown = false;
  for (const [i, node] of value.nodes.entries()) {
    const at = [...path, "nodes", i];
    const service = sound(entries.service.get(node.service));
    const component = sound(entries.component.get(node.component));
    if (component !== undefined && component.service !== node.service) {
      const message = `component ${component.identifier} does service ${component.service}, not ${node.service}`;
      say("value", [...at, "component"], message);
    }
    if (service === undefined) {
      unknown = true;
      continue;
    }
    const executor = classes[service.class]?.executor;
    if (executor === undefined) {
      const message = `nothing does services of class ${service.class} in this version`;
      say("not-available", [...at, "service"], message, `available: ${available}`);
      continue;
    }
    const name = node.node ?? node.component;
    const twice = places.get(executor);
    if (twice !== undefined)
      say("value", at, `${name} is a second node of class ${service.class}, beside ${twice.name}`);
    else places.set(executor, { name, path: at, after: node.after ?? [] });
  }
  const names = value.nodes.map((node) => node.node ?? node.component);
  const [quantize, deploy, measure] = ["quantize", "deploy", "measure"].map((executor) => places.get(executor));
  for (const [wanted, found] of [
    ["deployment", deploy],
    ["inference", measure],
  ] as const)
    if (found === undefined && !unknown)
      say("missing", [...path, "nodes"], `the workflow has no node of class ${wanted}`);
  // That a node comes after one that is not there is told as such.
  for (const [node, before] of [
    [measure, deploy],
    [deploy, quantize],
  ] as const)
    if (node?.after.every((name) => names.includes(name)) && before !== undefined && !node.after.includes(before.name))
      say("value", node.path, `${node.name} must come after ${before.name}`, `add after: [${before.name}]`);
}

/** Optimisations that the workflow of an experiment has no node for, or whose service does not offer them. */
function optimizationFaults({ value, path }: Placed<Entry<"exp">>, { entries }: BenchFile, say: Say): void {
  const workflow = sound(entries.workflow.get(value.workflow));
  if (workflow === undefined) return;
  const services = workflow.nodes.map((node) => sound(entries.service.get(node.service)));
  const service = services.find((entry) => entry?.class === "quantization");
  for (const [i, name] of value.optimizations.entries()) {
    const at = [...path, "optimizations", i];
    const optimization = sound(entries.optimization.get(name));
    // Without it, or with a service that is not known, there is nothing to hold against it.
    if (optimization === undefined || services.includes(undefined)) continue;
    const { otype, options } = optimization;
    const offered = service?.parameters["options"]?.values;
    const missing = options.find((option) => offered !== undefined && !offered.includes(option));
    if (service === undefined)
      say("value", at, `workflow ${value.workflow} has no node of class ${otype}, which ${name} needs`);
    else if (missing !== undefined)
      say("value", at, `service ${service.identifier} does not offer ${missing}, which ${name} needs`);
    else if (options.includes("static") && !service.phases.includes("recalibrate")) {
      const message = `service ${service.identifier} has no phase recalibrate, without which ${name} has no ranges of activations`;
      say("value", at, message, "phases: [quantize, recalibrate]");
    }
  }
}

/** The nodes of a workflow without faults, each with its parameters: the component's over its service's defaults. */
export function workflowNodes(workflow: Entry<"workflow">, { entries }: BenchFile): WorkflowNode[] {
  return workflow.nodes.map((node) => {
    const service = entries.service.get(node.service)?.value as Entry<"service">;
    const component = entries.component.get(node.component)?.value as Entry<"component">;
    const { executor, usual } = classes[service.class] as ServiceClass;
    const defaults = Object.entries(service.parameters).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return {
      id: node.node ?? node.component,
      executor,
      service: node.service,
      component: node.component,
      after: node.after ?? [],
      retries: node.retries,
      phases: service.phases.length > 0 ? service.phases : usual,
      parameters: { ...Object.fromEntries(defaults), ...component.parameters },
    };
  });
}
