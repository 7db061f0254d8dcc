import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Experiment } from "../configurator/types.ts";
import { finished, type RunState, replay, statuses } from "../orchestrator/machine.ts";
import type { RunEvent } from "../orchestrator/workflow.ts";
import type { NotSafe, RunDocument } from "../results/record.ts";
import { RunError } from "./bay-api.ts";
import type { MeasureOutput } from "./effects.ts";
import { finishRun, resultFile } from "./finish-run.ts";
import { hostFacts } from "./host-facts.ts";
import { type NodeWork, resultNodes } from "./plan.ts";
import type { ModelOutput } from "./prepare-model.ts";
import { type Recorded, writeRecorded } from "./recorded.ts";

/** What a run's document tells of the run itself. */
interface RunHead {
  run_id: string;
  /** Absolute. */
  folder: string;
  started_at: string;
  ended_at: string;
  /** Hash under which the journal keeps what it was begun with. */
  configuration: string;
}

/** Whether the document of a run is in its folder. */
export function hasDocument(folder: string): boolean {
  return statSync(join(folder, resultFile), { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * Writes what a run recorded whose nodes are over, and the document and report made of it, into its folder. Throws `ResultsError`
 * where an artefact is not there any more.
 */
export function writeDocument(head: RunHead, experiments: Experiment[], state: RunState): RunDocument {
  const { run_id, folder, started_at, ended_at, configuration } = head;
  mkdirSync(folder, { recursive: true });
  const run = { run_id, experiment: experiments[0]?.name ?? "", started_at, ended_at, folder, configuration };
  const end = { not_safe: notSafe(state), cancelled: state.cancelled ?? null };
  writeRecorded({ ...run, ...end, measurements: collect(experiments, state) }, experiments);
  return finishRun(folder).run;
}

/** The document of a run that ended without one, from its journal and artefacts. Throws `RunError` where a node is not over. */
export function documentOf(head: RunHead, experiments: Experiment[], events: RunEvent[]): RunDocument {
  const state = replay(events);
  if (!finished(state)) throw new RunError(`run ${head.run_id} is not over`);
  return writeDocument(head, experiments, state);
}

/** Targets whose node could not be brought down: whether they have power is not known. */
function notSafe(state: RunState): NotSafe[] {
  return [...state.nodes.values()].flatMap(({ spec, unsafe }) => {
    const work = spec.parameters["work"] as NodeWork;
    return unsafe === undefined || work.kind !== "board" ? [] : [{ target: work.target, reason: unsafe }];
  });
}

/** What was measured, in the order of the experiments; of a measurement that failed why. */
function collect(experiments: Experiment[], state: RunState): Recorded[] {
  const all: Recorded[] = [];
  const status = statuses(state);
  for (const [e, experiment] of experiments.entries()) {
    for (const target of experiment.targets) {
      for (const model of experiment.models) {
        const ids = resultNodes(experiments, e, target, model.name);
        const id = ids.measure;
        const node = state.nodes.get(id);
        const measured = (node?.output as MeasureOutput | undefined)?.recorded;
        if (measured !== undefined) {
          all.push(measured);
          continue;
        }
        // What an interrupted run did not come to is no result.
        if (status.get(id) === "cancelled" && node?.begun !== true) continue;
        const before = [ids.board, ids.model ?? ids.board].map((other) => state.nodes.get(other));
        const failure = node?.failure ?? before.find((other) => other?.failure !== undefined)?.failure ?? "interrupted";
        const prepared = before[1]?.output as ModelOutput | undefined;
        all.push({
          experiment: e,
          target,
          model: unmeasured(model.name, prepared),
          host: hostFacts(),
          inputs_sha256: experiment.inputs_sha256 ?? null,
          outcome: { failure: plain(failure) },
        });
      }
    }
  }
  return all;
}

/** A failure without the word for its phase, which means nothing to the reader of a result. */
function plain(failure: string): string {
  return failure.replace(/^(init|config|start): /, "");
}

/** What is known of a model that was not measured; nothing where it could not even be prepared. */
function unmeasured(name: string, prepared: ModelOutput | undefined): Recorded["model"] {
  const none = { sha256: "", macs: null, weights: null, optimizations: [], size_bytes: 0 };
  const { size_bytes, sha256, macs, weights, optimizations } = prepared ?? none;
  return { name, size_bytes, sha256, macs, weights, optimizations };
}
