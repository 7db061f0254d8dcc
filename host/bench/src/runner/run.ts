import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Bay } from "@mltb/contract";
import type { Experiment } from "../configurator/types.ts";
import { type JournalPort, work } from "../orchestrator/worker.ts";
import type { RunEvent } from "../orchestrator/workflow.ts";
import type { RunDocument } from "../results/record.ts";
import { type AgentWatch, watchAgents } from "./agents.ts";
import { Apart } from "./apart.ts";
import { type BayAddress, httpBay, RunError } from "./bay-api.ts";
import { Boards, type RunPorts } from "./boards.ts";
import { runEffects } from "./effects.ts";
import { Eta, etaText } from "./eta.ts";
import { withInputsHash } from "./inputs.ts";
import { type NodeWork, planRun } from "./plan.ts";
import { reachAgents } from "./reach-agents.ts";
import { type Reference, ReferenceModels } from "./reference.ts";
import { hasDocument, writeDocument } from "./run-document.ts";
import { withoutCommands } from "./without-commands.ts";

/** Something worth showing has happened. */
export interface Progress {
  text: string;
}

/** A journal of runs that says when others have written to it. */
export interface RunJournal extends JournalPort {
  /**
   * Opens a run with its first event, both or neither; what is needed to go on with it elsewhere is kept with it, under the hash
   * that is returned.
   */
  create(
    run: { run_id: string; experiment: string; folder: string; configuration: unknown },
    submitted: RunEvent,
  ): Promise<string>;
  /** Parameters of a component in a stored configuration; throws where there is none. */
  parameters(configuration: string, component: string): Promise<Record<string, unknown>>;
  /** The run is over. */
  leave(run_id: string): void;
  /** Resolves after a while, or when another process may have written. */
  pause(): Promise<void>;
}

export interface RunOptions {
  /** Experiments of one file, on one bay. */
  experiments: Experiment[];
  bay: BayAddress;
  outDir: string;
  journal: RunJournal;
  /** A reference runtime on this host. */
  reference?: Reference;
  onProgress?: (event: Progress) => void;
  signal?: AbortSignal;
}

/** Runs the experiments of a file on a bay: JSON, traces and report go into a folder of their own below `outDir`. */
export async function runExperiments(options: RunOptions): Promise<RunDocument> {
  const [first] = options.experiments;
  if (first === undefined) throw new RunError("there is no experiment to run");
  const agents = await watchAgents(first.bay.bay, options.bay);
  try {
    return await runWith(portsOf(options, first.bay, agents), options);
  } finally {
    await agents.close();
  }
}

function portsOf({ bay, reference }: Pick<RunOptions, "bay" | "reference">, file: Bay, agents: AgentWatch): RunPorts {
  const ports = { bay: httpBay(bay), ...reachAgents(file, agents) };
  return reference === undefined ? ports : { ...ports, reference: new ReferenceModels(reference) };
}

/** Goes on with a run whose worker is gone, from its journal. The configuration is the one that it was begun with. */
export async function resumeRun(
  row: { run_id: string; folder: string; started_at: string; configuration: string },
  options: Omit<RunOptions, "outDir">,
): Promise<RunDocument> {
  const [first] = options.experiments;
  if (first === undefined) throw new RunError("there is no experiment to go on with");
  const agents = await watchAgents(first.bay.bay, options.bay);
  try {
    // As they are: their bytes have the hash under which the journal keeps them.
    return await continueRun(portsOf(options, first.bay, agents), { ...options, ...row });
  } finally {
    await agents.close();
  }
}

/** The same with given ports. */
export async function runWith(ports: RunPorts, options: Omit<RunOptions, "bay">): Promise<RunDocument> {
  const { journal } = options;
  const experiments = withoutCommands(withInputsHash(options.experiments));
  const started = new Date();
  const name = experiments[0]?.name ?? "";
  const run_id = `${started.toISOString().replace(/[-:]/g, "").replace(/\..*/, "")}-${randomBytes(3).toString("hex")}`;
  const folder = resolve(options.outDir, `${name}-${run_id}`);
  const submitted: RunEvent = { type: "submitted", workflow: planRun(run_id, experiments) };
  mkdirSync(folder, { recursive: true });
  const run = { run_id, experiment: name, folder, configuration: experiments };
  const configuration = await journal.create(run, submitted);
  const begun = { run_id, folder, configuration, started_at: started.toISOString() };
  return continueRun(ports, { ...options, ...begun, experiments });
}

interface ContinueOptions extends Omit<RunOptions, "bay" | "outDir"> {
  run_id: string;
  folder: string;
  started_at: string;
  /** Hash of what it was begun with. */
  configuration: string;
}

/** Carries a run on from its journal to its end, and writes its document and report. */
async function continueRun(ports: RunPorts, options: ContinueOptions): Promise<RunDocument> {
  const { experiments, folder, run_id } = options;
  const note = (text: string): void => options.onProgress?.({ text });
  const apart = new Apart(experiments[0]?.bay);
  const boards = new Boards(ports, `experiment ${experiments[0]?.name} ${run_id}`, note, apart);
  const effects = runEffects({
    ports,
    boards,
    experiments,
    folder,
    note,
    parameters: (component) => options.journal.parameters(options.configuration, component),
  });
  const eta = new Eta(experiments);
  let told = 0;
  const state = await work(options.journal, effects, run_id, {
    signal: options.signal ?? new AbortController().signal,
    pause: () => options.journal.pause(),
    onEvent: (event, now) => {
      if ("phase" in event && event.phase === "start") {
        const seconds = performance.now() / 1000;
        if (event.type === "started") eta.begin(event.node, seconds);
        else {
          eta.end(event.node, now.nodes.get(event.node)?.spec.parameters["work"] as NodeWork, seconds);
          const progress = eta.progress(now);
          if (progress.all > 1 && progress.done > told) note(etaText(progress));
          told = progress.done;
        }
      }
      if (event.type === "held") note(`${event.node}: held by ${event.author}: ${event.reason}`);
      if (event.type === "resumed") note(`${event.node}: resumed by ${event.author}`);
      if (event.type === "cancelled") note(`cancelled by ${event.author}: ${event.reason}`);
    },
  }).finally(() => boards.close());
  const { started_at, configuration } = options;
  try {
    const head = { run_id, folder, started_at, ended_at: new Date().toISOString(), configuration };
    return writeDocument(head, experiments, state);
  } catch (error) {
    const mend = hasDocument(folder) ? `mltb report ${folder}` : `mltb experiment resume ${run_id}`;
    note(`the results could not be written; they are kept, and when they can be: ${mend}`);
    throw error;
  } finally {
    // A run that could not be written is interrupted for others, who can write it from the journal.
    options.journal.leave(run_id);
  }
}
