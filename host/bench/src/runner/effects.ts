import { setTimeout } from "node:timers/promises";
import type { Experiment, ModelSource } from "../configurator/types.ts";
import type { NodeState } from "../orchestrator/machine.ts";
import type { EffectsPort } from "../orchestrator/worker.ts";
import type { Action, Phase } from "../orchestrator/workflow.ts";
import type { Boards, RunPorts } from "./boards.ts";
import { hostFacts } from "./host-facts.ts";
import { type ModelFile, measureModel } from "./measure-model.ts";
import type { NodeWork } from "./plan.ts";
import {
  loadPrepared,
  type ModelOutput,
  originalOf,
  prepared,
  prepareModel,
  recalibratePrepared,
} from "./prepare-model.ts";
import { keepOutcome, type Recorded } from "./recorded.ts";

const AGAIN_MS = 250;

/** What a measurement leaves in the journal; what is large of it lies in the run's folder. */
export interface MeasureOutput {
  recorded: Recorded;
}

export interface EffectsOptions {
  ports: RunPorts;
  boards: Boards;
  experiments: Experiment[];
  folder: string;
  note(text: string): void;
  /** Parameters of a component in the configuration that the run was begun with. */
  parameters(component: string): Promise<Record<string, unknown>>;
}

/** Carries out the nodes of a run: models, boards, measurements. */
export function runEffects(options: EffectsOptions): EffectsPort {
  return {
    async run(action, state, inputs, signal) {
      const node = state.nodes.get(action.node) as NodeState;
      const work = node.spec.parameters["work"] as NodeWork;
      const teardown = action.phase === "stop" || action.phase === "deinit";
      // A board that could not be made safe is tried again a little later each time.
      if (teardown && action.attempt > 1) await setTimeout((action.attempt - 1) * AGAIN_MS);
      try {
        return { output: await carryOut(options, node, action, inputs, signal) };
      } catch (error) {
        const reason =
          work.kind === "model" ? message(error) : await explain(options.ports, work.target, message(error));
        options.note(`${action.node}: ${teardown && work.kind === "board" ? "NOT PROVED OFF: " : ""}${reason}`);
        // What is wrong with a model is so the next time too; a board or its agent may come back.
        return { failure: { reason, permanent: work.kind === "model" && !teardown } };
      }
    },
  };
}

function message(error: unknown): string {
  return (error as Error).message;
}

async function carryOut(
  options: EffectsOptions,
  node: NodeState,
  action: Action,
  inputs: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  const { boards } = options;
  const work = node.spec.parameters["work"] as NodeWork;
  const experimentOf = (index: number): Experiment => options.experiments[index] as Experiment;
  switch (work.kind) {
    case "model":
      return boards.apart.work(signal, () => prepareStep(options, work, node, action.phase));
    case "board":
      if (action.phase === "init") await boards.lease(work.target, signal);
      else if (action.phase === "start") {
        const agent = await boards.agent(work.target, action.id, signal);
        if (work.experiment === undefined) return undefined;
        const source = experimentOf(work.experiment).models[0] as ModelSource;
        return boards.apart.work(signal, async () => {
          const output = prepared(inputs) ?? prepareModel(source, options);
          const model = loadPrepared(options.folder, output);
          await agent.deploy(model.name, model.sha256, model.bytes, model.threads);
          return output;
        });
      } else if (action.phase === "deinit") await boards.release(work.target, action.id, node.passed > 0);
      return undefined;
    case "measure": {
      if (action.phase !== "start") return undefined;
      const model = loadPrepared(options.folder, prepared(inputs) as ModelOutput);
      const { threads } = work.component === undefined ? {} : await options.parameters(work.component);
      const set = typeof threads === "number" ? { ...model, threads } : model;
      return measure(options, work, set, action, signal);
    }
  }
}

/** A phase of a node that prepares a model: `quantize` where its class has that phase, else `start`; then `recalibrate`. */
async function prepareStep(
  options: EffectsOptions,
  work: Extract<NodeWork, { kind: "model" }>,
  { spec, output }: NodeState,
  phase: Phase,
): Promise<ModelOutput | undefined> {
  const experiment = options.experiments[work.experiment] as Experiment;
  const source = experiment.models[work.model] as ModelSource;
  if (phase === (spec.phases.includes("quantize") ? "quantize" : "start")) return prepareModel(source, options);
  if (phase !== "recalibrate") return undefined;
  const { folder, note, ports } = options;
  const more = { folder, note, reference: ports.reference, samples: spec.parameters["samples"] };
  return recalibratePrepared(experiment, source, output as ModelOutput, more);
}

async function measure(
  { ports, boards, experiments, folder, note }: EffectsOptions,
  { target, experiment: index }: Extract<NodeWork, { kind: "measure" }>,
  model: ModelFile,
  action: Action,
  signal: AbortSignal,
): Promise<MeasureOutput> {
  const experiment = experiments[index] as Experiment;
  const agent = await boards.agent(target, action.id, signal);
  const lost = boards.lost(target);
  const both = lost === undefined ? signal : AbortSignal.any([signal, lost]);
  const source = experiment.models.find((entry) => entry.name === model.name) as ModelSource;
  const { reference: models } = ports;
  const reference = models === undefined ? undefined : { models, original: originalOf(source) };
  const beside = { ...(reference === undefined ? {} : { reference }), apart: boards.apart };
  const outcome = await measureModel(experiment, target, model, ports.bay, agent, note, both, beside);
  const { bytes, threads: _, ...known } = model;
  const facts = {
    target,
    model: { ...known, size_bytes: bytes.length },
    host: hostFacts(),
    inputs_sha256: experiment.inputs_sha256 ?? null,
  };
  return { recorded: { experiment: index, ...facts, outcome: keepOutcome(folder, facts, outcome) } };
}

/** A step's failure, with what the bay knows of the target where that may be the reason. */
async function explain({ bay }: RunPorts, target: string, failure: string): Promise<string> {
  try {
    const view = await bay.target(target);
    if (view.power === "on") return failure;
    return `${failure}; the target's power is ${view.power}${view.fault === null ? "" : `: ${view.fault.cause}`}`;
  } catch (error) {
    return `${failure}; the target's state is not known: ${message(error)}`;
  }
}
