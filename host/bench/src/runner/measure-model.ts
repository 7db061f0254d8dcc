import type { Experiment } from "../configurator/types.ts";
import type { AgentApi, Measured, ModelInput } from "./agent-client.ts";
import { type BayApi, interruption, type RecordingDocument, RunError } from "./bay-api.ts";
import { loadDataset, randomInput, type Sample, toRaw } from "./dataset.ts";
import { loadPicture } from "./picture.ts";
import { type NumericalError, numericalError, type Reference } from "./reference.ts";

/** Inputs that the windows cycle through; more would only fill memory. */
const CYCLED = 200;

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

export interface ModelOutcome {
  measured: Measured;
  recording: RecordingDocument;
  accuracy: { correct: number; total: number } | null;
  numerical: NumericalError;
}

function elements(input: ModelInput): number {
  return input.shape.reduce((a, b) => a * b, 1);
}

/** Input sets for the model: the data set's records, or one random set. */
function inputSets(inputs: ModelInput[], samples: Sample[] | undefined, seed: number): Uint8Array[][] {
  if (samples === undefined)
    return [inputs.map((input, i) => toRaw(randomInput(elements(input), seed + i), input.datatype))];
  const [input, ...more] = inputs;
  if (input === undefined || more.length > 0)
    throw new RunError(`a data set feeds models with one input, this one has ${inputs.length}`);
  const wanted = elements(input);
  const given = samples[0]?.values.length ?? 0;
  if (given !== wanted)
    throw new RunError(`the model's input [${input.shape}] has ${wanted} values, a record has ${given}`);
  return samples.map((sample) => [toRaw(sample.values, input.datatype)]);
}

function argmax(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
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
  reference?: { open: Reference; original: Uint8Array },
): Promise<ModelOutcome> {
  const { measure } = experiment;
  await agent.deploy(model.name, model.sha256, model.bytes, model.threads);
  const inputs = await agent.inputs(model.name);
  const dataset = experiment.dataset === undefined ? undefined : loadDataset(experiment.dataset);
  const picture = experiment.picture === undefined ? undefined : [await loadPicture(experiment.picture)];
  const sets = inputSets(inputs, dataset?.samples ?? picture, measure.seed);

  let accuracy: ModelOutcome["accuracy"] = null;
  if (dataset !== undefined) {
    let correct = 0;
    for (const [i, set] of sets.entries()) {
      if (signal.aborted) throw interruption(signal);
      if (argmax(await agent.infer(model.name, inputs, set)) === dataset.labels[i]) correct += 1;
    }
    accuracy = { correct, total: sets.length };
    note(`${target} ${model.name}: ${correct} of ${sets.length} right`);
  }

  const original = { name: model.name, original: reference?.original ?? model.bytes };
  const numerical = await numericalError(reference?.open, original, agent, sets);
  const recordingId = await bay.startRecording(target);
  let measured: Measured;
  try {
    measured = await agent.measure(
      {
        model: model.name,
        warmup: measure.warmup,
        windows: measure.windows,
        window_s: measure.window_s,
        seed: measure.seed,
        scenario: measure.scenario,
        samples_per_query: measure.samples_per_query,
        target_per_s: measure.target_per_s ?? 0,
        inputs: sets.slice(0, CYCLED),
      },
      (index, window) =>
        note(`${target} ${model.name}: window ${index + 1} of ${measure.windows}, ${window.inferences} inferences`),
      signal,
    );
  } catch (error) {
    await bay
      .stopRecording(recordingId)
      .catch((late: Error) => note(`the recording could not be closed: ${late.message}`));
    throw error;
  }
  return { measured, recording: await bay.stopRecording(recordingId), accuracy, numerical };
}
