import type { Experiment } from "../configurator/types.ts";
import { type AgentApi, type MeasureCall, type Measured, type ModelInput, NoNumbersError } from "./agent-client.ts";
import { Apart } from "./apart.ts";
import { type BayApi, interruption, type RecordingDocument } from "./bay-api.ts";
import { inputSets, loadInputs } from "./inputs.ts";
import { type NumericalError, numericalError, type ReferenceModels } from "./reference.ts";

/** Inputs that the windows cycle through; more would only fill memory. */
export const CYCLED = 200;

export interface ModelFile {
  name: string;
  bytes: Uint8Array;
  sha256: string;
  macs: number | null;
  weights: number | null;
  /** Threads of the runtime, where the experiment asks for a number. */
  threads?: number;
  /** What was done to the file before it is deployed, each step in words. */
  optimizations: string[];
}

/** Classes that a model named for records, and those that they should be. */
interface Answers {
  predicted: number[];
  labels: number[];
}

export interface ModelOutcome {
  measured: Measured;
  recording: RecordingDocument;
  /** File of the recording's samples; undefined where the bay keeps none. */
  samples?: Uint8Array | undefined;
  /** Classes that the model named over the data set, and those that they should be, or why its output names none; null without labels. */
  answers: Answers | { refused: string } | null;
  numerical: NumericalError;
}

function argmax(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** How many of the answers are right. */
export function rightOf({ predicted, labels }: Answers): number {
  return predicted.filter((answer, i) => answer === labels[i]).length;
}

/** The classes into which a model puts inputs; or why its output tells no class. */
async function classify(
  agent: AgentApi,
  model: { name: string; inputs: ModelInput[] },
  sets: Uint8Array[][],
  labels: number[],
  signal: AbortSignal,
): Promise<Answers | { refused: string }> {
  const predicted: number[] = [];
  try {
    for (const set of sets) {
      if (signal.aborted) throw interruption(signal);
      predicted.push(argmax(await agent.infer(model.name, model.inputs, set)));
    }
  } catch (error) {
    if (!(error instanceof NoNumbersError)) throw error;
    return { refused: error.message };
  }
  return { predicted, labels };
}

/** What a measurement shares with the others of its run. */
interface Beside {
  reference?: { models: ReferenceModels; original: Uint8Array };
  apart?: Apart;
}

/** Deploys a model, scores it over the data set, then measures its windows while the target's rail is recorded. */
export async function measureModel(
  experiment: Experiment,
  target: string,
  model: ModelFile,
  bay: BayApi,
  agent: AgentApi,
  note: (text: string) => void,
  signal: AbortSignal,
  { reference, apart = new Apart() }: Beside = {},
): Promise<ModelOutcome> {
  const { measure } = experiment;
  await agent.deploy(model.name, model.sha256, model.bytes, model.threads);
  const inputs = await agent.inputs(model.name);
  const { samples, labels } = await loadInputs(experiment);
  const sets = inputSets(inputs, samples, measure.seed);

  let answers: ModelOutcome["answers"] = null;
  if (labels !== undefined) {
    answers = await classify(agent, { name: model.name, inputs }, sets, labels, signal);
    const told = "refused" in answers ? answers.refused : `${rightOf(answers)} of ${sets.length} right`;
    note(`${target} ${model.name}: ${told}`);
  }

  const original = { name: model.name, original: reference?.original ?? model.bytes };
  const numerical = await apart.work(signal, () => numericalError(reference?.models, original, agent, sets));
  const call: MeasureCall = {
    model: model.name,
    warmup: measure.warmup,
    windows: measure.windows,
    window_s: measure.window_s,
    seed: measure.seed,
    scenario: measure.scenario,
    samples_per_query: measure.samples_per_query,
    target_per_s: measure.target_per_s ?? 0,
    inputs: sets.slice(0, CYCLED),
  };
  const recorded = await apart.windows(target, signal, () => measureWindows(call, target, bay, agent, note, signal));
  const kept = await bay.samples(recorded.recording.id, target).catch((error: Error) => {
    note(`${target} ${model.name}: the samples are not kept with the run: ${error.message}`);
    return undefined;
  });
  return { ...recorded, samples: kept, answers, numerical };
}

/** Warm-up and windows of a model, while the target's rail is recorded. */
async function measureWindows(
  call: MeasureCall,
  target: string,
  bay: BayApi,
  agent: AgentApi,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<Pick<ModelOutcome, "measured" | "recording">> {
  const recordingId = await bay.startRecording(target);
  let measured: Measured;
  try {
    measured = await agent.measure(
      call,
      (index, window) =>
        note(`${target} ${call.model}: window ${index + 1} of ${call.windows}, ${window.inferences} inferences`),
      signal,
    );
  } catch (error) {
    await bay
      .stopRecording(recordingId)
      .catch((late: Error) => note(`the recording could not be closed: ${late.message}`));
    throw error;
  }
  return { measured, recording: await bay.stopRecording(recordingId) };
}
