import { bayTargets } from "@mltb/contract";
import type { Experiment } from "../configurator/types.ts";
import { forwardPhases, type NodeSpec, type Workflow } from "../orchestrator/workflow.ts";

/** What a node of a run does; its `service` is the class. */
export type NodeWork =
  | { kind: "model"; experiment: number; model: number }
  | { kind: "board"; target: string }
  | { kind: "measure"; experiment: number; target: string; model: number };

/** Ids of the nodes of a run. */
export const nodeId = {
  model: (experiment: number, name: string) => `${experiment}/model/${name}`,
  board: (target: string) => `board/${target}`,
  measure: (experiment: number, target: string, model: string) => `${experiment}/measure/${target}/${model}`,
};

/**
 * The workflow of the experiments of a file: every model is prepared once; a board is leased, switched on and its agent awaited, and safe again
 * when the last measurement on it is over; the measurements on one board come one after the other. Boards do not wait for each
 * other, but for those whose agents share this machine. A measurement is not tried twice: its failure is a result.
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
  ): void => {
    nodes.push({
      id,
      service,
      component,
      after,
      phases: forwardPhases(),
      retries: 0,
      exclusive,
      parameters: { work },
    });
  };
  for (const [e, experiment] of experiments.entries()) {
    for (const [m, model] of experiment.models.entries()) {
      const service = model.optimizations === undefined ? "model" : "quantization";
      add(nodeId.model(e, model.name), service, model.name, [], { kind: "model", experiment: e, model: m });
    }
    for (const target of experiment.targets) {
      const board = nodeId.board(target);
      if (!nodes.some((node) => node.id === board))
        add(board, "deployment", target, [], { kind: "board", target }, [`target:${target}`]);
      for (const [m, model] of experiment.models.entries()) {
        const after = [board, nodeId.model(e, model.name)];
        const work: NodeWork = { kind: "measure", experiment: e, target, model: m };
        const exclusive = [`target:${target}`, ...(sharesHost(experiment, target) ? ["host"] : [])];
        add(nodeId.measure(e, target, model.name), "inference", model.name, after, work, exclusive);
      }
    }
  }
  return { run_id, nodes };
}

/** The target's agent runs on this machine: two of them would take each other's processors while they are measured. */
function sharesHost(experiment: Experiment, target: string): boolean {
  const found = bayTargets(experiment.bay).find((entry) => entry.target.target === target);
  return found?.rack.board.link === "simulated" && found.target.agent !== undefined;
}
