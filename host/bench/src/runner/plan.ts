import type { Experiment, WorkflowNode } from "../configurator/types.ts";
import { forwardPhases, type NodeSpec, type Workflow } from "../orchestrator/workflow.ts";
import { sharesHost } from "./apart.ts";
import { isStatic } from "./optimize-model.ts";

/** What a node of a run does; its `service` is the class. */
export type NodeWork =
  | { kind: "model"; experiment: number; model: number }
  | { kind: "board"; target: string /** Whose model is deployed by this node. */; experiment?: number }
  | {
      kind: "measure";
      experiment: number;
      target: string;
      model: number /** Pulls its parameters. */;
      component?: string;
    };

/** Nodes that a result comes from. */
export interface ResultNodes {
  measure: string;
  board: string;
  /** Undefined where the board's node takes the model as it is. */
  model: string | undefined;
}

/** Ids of the nodes that the result of a model on a target comes from; those of a bench file's workflow have its names. */
export function resultNodes(experiments: Experiment[], e: number, target: string, model: string): ResultNodes {
  const { workflow } = experiments[e] as Experiment;
  if (workflow === undefined)
    return { measure: `${e}/measure/${target}/${model}`, board: `board/${target}`, model: `${e}/model/${model}` };
  const of = (executor: WorkflowNode["executor"]): string | undefined => {
    const node = workflow.find((entry) => entry.executor === executor);
    return node === undefined ? undefined : workflowId(experiments, e, node.id);
  };
  return { measure: of("measure") as string, board: of("deploy") as string, model: of("quantize") };
}

/** Several experiments of a file may have the same workflow. */
function workflowId(experiments: Experiment[], e: number, name: string): string {
  return experiments.length === 1 ? name : `${e}/${name}`;
}

/**
 * The workflow of the experiments of a file: every model is prepared once; a board is leased, switched on and its agent awaited, and safe again
 * when the last measurement on it is over; the measurements on one board come one after the other. Boards do not wait for each
 * other, but for those whose agents share this machine; what a step of one would do inside the windows of another waits for their
 * end while it is carried out (`Apart`). A measurement is not tried twice: its failure is a result.
 */
export function planRun(run_id: string, experiments: Experiment[]): Workflow {
  const nodes: NodeSpec[] = [];
  const add = (
    id: string,
    service: string,
    component: string,
    after: string[],
    work: NodeWork,
    exclusive: string[] = [],
    between: string[] = [],
  ): void => {
    nodes.push({
      id,
      service,
      component,
      after,
      phases: forwardPhases(between),
      retries: 0,
      exclusive,
      parameters: { work },
    });
  };
  for (const [e, experiment] of experiments.entries()) {
    if (experiment.workflow !== undefined) {
      nodes.push(...workflowSpecs(experiments, e, experiment, experiment.workflow));
      continue;
    }
    const id = (target: string, model: string): ResultNodes => resultNodes(experiments, e, target, model);
    for (const [m, model] of experiment.models.entries()) {
      const service = model.optimizations === undefined ? "model" : "quantization";
      const between = (model.optimizations ?? []).some(isStatic) ? ["quantize", "recalibrate"] : [];
      const work: NodeWork = { kind: "model", experiment: e, model: m };
      add(id("", model.name).model as string, service, model.name, [], work, [], between);
    }
    for (const target of experiment.targets) {
      const { board } = id(target, "");
      if (!nodes.some((node) => node.id === board))
        add(board, "deployment", target, [], { kind: "board", target }, [`target:${target}`]);
      for (const [m, model] of experiment.models.entries()) {
        const ids = id(target, model.name);
        const after = [board, ids.model as string];
        const work: NodeWork = { kind: "measure", experiment: e, target, model: m };
        const exclusive = [`target:${target}`, ...(sharesHost(experiment.bay, target) ? ["host"] : [])];
        add(ids.measure, "inference", model.name, after, work, exclusive);
      }
    }
  }
  return { run_id, nodes };
}

/** The nodes of a bench file's workflow, by their own names. */
function workflowSpecs(all: Experiment[], e: number, experiment: Experiment, workflow: WorkflowNode[]): NodeSpec[] {
  const target = experiment.targets[0] as string;
  const work: Record<WorkflowNode["executor"], (node: WorkflowNode) => NodeWork> = {
    quantize: () => ({ kind: "model", experiment: e, model: 0 }),
    deploy: () => ({ kind: "board", target, experiment: e }),
    measure: ({ component }) => ({ kind: "measure", experiment: e, target, model: 0, component }),
  };
  const exclusive: Record<WorkflowNode["executor"], string[]> = {
    quantize: [],
    deploy: [`target:${target}`],
    measure: [`target:${target}`, ...(sharesHost(experiment.bay, target) ? ["host"] : [])],
  };
  return workflow.map((node) => ({
    id: workflowId(all, e, node.id),
    service: node.service,
    component: node.component,
    after: node.after.map((name) => workflowId(all, e, name)),
    phases: forwardPhases(node.phases),
    retries: node.retries,
    exclusive: exclusive[node.executor],
    parameters: { work: work[node.executor](node), ...node.parameters },
  }));
}
