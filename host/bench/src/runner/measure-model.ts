import type { Experiment } from "../configurator/types.ts";
import type { AgentApi, Measured } from "./agent-client.ts";
import { type BayApi, interruption, type RecordingDocument } from "./bay-api.ts";
import { inputSets, loadInputs } from "./inputs.ts";
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
  const { samples, labels } = await loadInputs(experiment);
  const sets = inputSets(inputs, samples, measure.seed);

  let accuracy: ModelOutcome["accuracy"] = null;
  if (labels !== undefined) {
    let correct = 0;
    for (const [i, set] of sets.entries()) {
      if (signal.aborted) throw interruption(signal);
      if (argmax(await agent.infer(model.name, inputs, set)) === labels[i]) correct += 1;
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
