import type { Experiment } from "../configurator/types.ts";
import type { ModelInput } from "./agent-client.ts";
import { RunError } from "./bay-api.ts";
import { loadDataset, randomInput, type Sample, toRaw } from "./dataset.ts";
import { loadPicture } from "./picture.ts";

/** What an experiment feeds its models with: the records of its data set, its picture, or nothing of its own. */
export interface Inputs {
  samples: Sample[] | undefined;
  /** Classes of the records. */
  labels: number[] | undefined;
}

export async function loadInputs({ dataset, picture }: Experiment): Promise<Inputs> {
  if (dataset !== undefined) return loadDataset(dataset);
  return { samples: picture === undefined ? undefined : [await loadPicture(picture)], labels: undefined };
}

function elements(input: ModelInput): number {
  return input.shape.reduce((a, b) => a * b, 1);
}

/** Input sets for a model as raw tensors: the samples, or `random` sets of random numbers where there are none. */
export function inputSets(
  inputs: ModelInput[],
  samples: Sample[] | undefined,
  seed: number,
  random = 1,
): Uint8Array[][] {
  if (samples === undefined)
    return Array.from({ length: random }, (_, set) =>
      inputs.map((input, i) => toRaw(randomInput(elements(input), seed + set * inputs.length + i), input.datatype)),
    );
  const [input, ...more] = inputs;
  if (input === undefined || more.length > 0)
    throw new RunError(`a data set feeds models with one input, this one has ${inputs.length}`);
  const wanted = elements(input);
  const given = samples[0]?.values.length ?? 0;
  if (given !== wanted)
    throw new RunError(`the model's input [${input.shape}] has ${wanted} values, a record has ${given}`);
  const asked = samples.find(({ datatype }) => datatype !== undefined && datatype !== input.datatype)?.datatype;
  if (asked !== undefined)
    throw new RunError(
      `the model's input ${input.name} is ${input.datatype}, the application's dtype is ${asked}: write dtype: ${input.datatype}, or take a model of that type`,
    );
  return samples.map((sample) => [toRaw(sample.values, input.datatype)]);
}
