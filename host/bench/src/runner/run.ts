import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Experiment, ModelSource } from "../configurator/types.ts";
import { analyzeModel, generateModel, UnknownOperatorError } from "../onnx/index.ts";
import { renderReport } from "../report/html.ts";
import { type ResultRecord, type RunDocument, sha256 } from "../results/record.ts";
import { type AgentApi, grpcAgent } from "./agent-client.ts";
import { type AgentWatch, watchAgents } from "./agents.ts";
import { type BayAddress, type BayApi, httpBay, type RecordingDocument, RunError } from "./bay-api.ts";
import { type ModelFile, measureModel } from "./measure-model.ts";
import { optimizeModel } from "./optimize-model.ts";
import { toRecord } from "./to-record.ts";

/** Time for a target to boot and its agent to announce itself. */
const AGENT_MS = 30_000;

/** Something worth showing has happened. */
export interface Progress {
  text: string;
}

function first(experiments: Experiment[]): Experiment {
  const [experiment] = experiments;
  if (experiment === undefined) throw new RunError("there is no experiment to run");
  return experiment;
}

/** What a run needs from outside; tests put others in their place. */
export interface RunPorts {
  bay: BayApi;
  agents: AgentWatch;
  agent(address: string): AgentApi;
}

export interface RunOptions {
  /** Experiments of one file, on one bay, one after the other. */
  experiments: Experiment[];
  bay: BayAddress;
  outDir: string;
  onProgress?: (event: Progress) => void;
  signal?: AbortSignal;
}

/** A model as it will be deployed. Its multiplications are those of the original: optimisations do not change their number. */
function loadModel(source: ModelSource, note: (text: string) => void): ModelFile {
  const original = "file" in source ? readFileSync(source.file) : generateModel(source.generate);
  const { bytes, steps } = optimizeModel(source.name, original, source.optimizations ?? [], note);
  let counts: { macs: number; weights: number } | undefined;
  try {
    counts = analyzeModel(original);
  } catch (error) {
    // A model that the analyser does not understand can still be measured; its counts are then not known.
    if (!(error instanceof UnknownOperatorError)) throw error;
  }
  return {
    name: source.name,
    bytes,
    sha256: sha256(bytes),
    macs: counts?.macs ?? null,
    weights: counts?.weights ?? null,
    optimizations: steps,
  };
}

/** Runs the experiments of a file on a bay: JSON, traces and report go into a folder of their own below `outDir`. */
export async function runExperiments(options: RunOptions): Promise<RunDocument> {
  const agents = await watchAgents(first(options.experiments).bay.bay, options.bay);
  try {
    return await runWith({ bay: httpBay(options.bay), agents, agent: grpcAgent }, options);
  } finally {
    await agents.close();
  }
}

/** The same with given ports. */
export async function runWith(ports: RunPorts, options: Omit<RunOptions, "bay">): Promise<RunDocument> {
  const { experiments } = options;
  const name = first(experiments).name;
  const signal = options.signal ?? new AbortController().signal;
  const note = (text: string): void => options.onProgress?.({ text });
  const started = new Date();
  const prepared = experiments.map((experiment) => ({
    experiment,
    models: experiment.models.map((source) => loadModel(source, note)),
  }));
  const run_id = `${started.toISOString().replace(/[-:]/g, "").replace(/\..*/, "")}-${randomBytes(3).toString("hex")}`;
  const folder = resolve(options.outDir, `${name}-${run_id}`);
  mkdirSync(folder, { recursive: true });

  const results: ResultRecord[] = [];
  const recordings = new Map<ResultRecord, RecordingDocument>();
  const keep = (record: ResultRecord, recording: RecordingDocument | undefined): void => {
    if (recording !== undefined) {
      record.artifacts.push(storeTrace(folder, results.length, record, recording));
      recordings.set(record, recording);
    }
    results.push(record);
  };
  for (const { experiment, models } of prepared) {
    for (const target of experiment.targets) {
      if (signal.aborted) break;
      await runTarget(ports, experiment, target, models, note, signal, keep);
    }
  }

  const run: RunDocument = {
    schema: "mltb.run/1",
    run_id,
    experiment: name,
    started_at: started.toISOString(),
    ended_at: new Date().toISOString(),
    folder,
    results,
  };
  writeFileSync(join(folder, "report.html"), renderReport(run, recordings));
  writeFileSync(join(folder, "result.json"), `${JSON.stringify(run, null, 2)}\n`);
  return run;
}

/** Powers a target, measures every model on it, and powers it off on every path. */
async function runTarget(
  ports: RunPorts,
  experiment: Experiment,
  target: string,
  models: ModelFile[],
  note: (text: string) => void,
  signal: AbortSignal,
  onRecord: (record: ResultRecord, recording: RecordingDocument | undefined) => void,
): Promise<void> {
  const fail = (failure: string): void => {
    note(`${target}: ${failure}`);
    for (const model of models) onRecord(toRecord(experiment, target, model, { failure }), undefined);
  };
  let agent: AgentApi | undefined;
  try {
    const before = await ports.bay.target(target);
    const since = before.power === "on" ? 0 : Date.now();
    const on = await ports.bay.power(target, "on");
    note(`${target}: on, ${on.voltage_v?.toFixed(3)} V, ${on.current_a?.toFixed(3)} A`);
    const birth = await ports.agents.wait(target, since, AGENT_MS, signal);
    note(`${target}: agent ${birth.name} on ${birth.grpc}`);
    agent = ports.agent(birth.grpc);
  } catch (error) {
    fail((error as Error).message);
    await switchOff(ports.bay, target, note);
    return;
  }
  try {
    for (const model of models) {
      if (signal.aborted) break;
      try {
        const outcome = await measureModel(experiment, target, model, ports.bay, agent, note, signal);
        onRecord(toRecord(experiment, target, model, outcome), outcome.recording);
      } catch (error) {
        const failure = await explain(ports.bay, target, (error as Error).message);
        note(`${target} ${model.name}: ${failure}`);
        onRecord(toRecord(experiment, target, model, { failure }), undefined);
      }
    }
  } finally {
    agent.close();
    await switchOff(ports.bay, target, note);
  }
}

/** A step's failure, with what the bay knows of the target where that may be the reason. */
async function explain(bay: BayApi, target: string, failure: string): Promise<string> {
  try {
    const view = await bay.target(target);
    if (view.power === "on") return failure;
    return `${failure}; the target's power is ${view.power}${view.fault === null ? "" : `: ${view.fault.cause}`}`;
  } catch (error) {
    return `${failure}; the target's state is not known: ${(error as Error).message}`;
  }
}

async function switchOff(bay: BayApi, target: string, note: (text: string) => void): Promise<void> {
  try {
    const off = await bay.power(target, "off");
    note(`${target}: ${off.power}, ${off.voltage_v?.toFixed(3)} V, ${off.current_a?.toFixed(3)} A`);
  } catch (error) {
    note(`${target}: NOT PROVED OFF: ${(error as Error).message}`);
  }
}

function storeTrace(
  folder: string,
  index: number,
  record: ResultRecord,
  recording: RecordingDocument,
): { path: string; sha256: string } {
  // Two experiments of a file may measure the same model on the same target.
  const path = `trace-${index + 1}-${record.target}-${record.model.name}.json.gz`;
  const bytes = gzipSync(JSON.stringify(recording));
  writeFileSync(join(folder, path), bytes);
  return { path, sha256: sha256(bytes) };
}
