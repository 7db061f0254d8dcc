import { readFileSync } from "node:fs";
import type { Experiment } from "../configurator/types.ts";
import { sha256 } from "../results/record.ts";
import type { ModelInput } from "./agent-client.ts";
import { RunError } from "./bay-api.ts";
import { DatasetError, loadDataset, randomInput, type Sample } from "./dataset.ts";
import { loadPicture } from "./picture.ts";
import { toRaw } from "./tensor-numbers.ts";

/** What an experiment feeds its models with: the records of its data set, its picture, or nothing of its own. */
export interface Inputs {
  samples: Sample[] | undefined;
  /** Classes of the records. */
  labels: number[] | undefined;
}

const hashOfFile = (file: string): string => sha256(readFileSync(file));

/** Hash over the bytes of the inputs and what is done to them before they reach a model; null where there are none. */
function inputsHash({ dataset, picture }: Experiment, hashOf = hashOfFile): string | null {
  if (picture !== undefined) {
    const { file, ...form } = picture;
    return sha256(JSON.stringify([hashOf(file), form]));
  }
  if (dataset === undefined) return null;
  const { inputs, labels, preprocess, metric } = dataset;
  const files = [inputs.file, labels.file].map(hashOf);
  const shape = { dtype: inputs.dtype, shape: inputs.shape, column: labels.column, preprocess, metric };
  return sha256(JSON.stringify([...files, shape]));
}

/** Experiments of a run that begins, with the hashes of what they feed their models with; null where that cannot be read. */
export function withInputsHash(experiments: Experiment[]): Experiment[] {
  const known = new Map<string, string>();
  const hashOf = (file: string): string => {
    const hash = known.get(file) ?? hashOfFile(file);
    known.set(file, hash);
    return hash;
  };
  return experiments.map((experiment) => {
    if (experiment.inputs_sha256 !== undefined) return experiment;
    try {
      return { ...experiment, inputs_sha256: inputsHash(experiment, hashOf) };
    } catch {
      // The measurement that wants them says what is wrong with them.
      return { ...experiment, inputs_sha256: null };
    }
  });
}

/** Throws `DatasetError` for what does not fit itself, or is not what it was when the run began: the fingerprint names that. */
export async function loadInputs(experiment: Experiment): Promise<Inputs> {
  const { dataset, picture, inputs_sha256 } = experiment;
  if (inputs_sha256 !== undefined && inputs_sha256 !== inputsHash(experiment)) {
    const what = picture === undefined ? `${dataset?.inputs.file} or its labels are` : `${picture.file} is`;
    throw new DatasetError(`${what} no longer what the run began with`);
  }
  if (dataset !== undefined) return loadDataset(dataset);
  return { samples: picture === undefined ? undefined : [await loadPicture(picture)], labels: undefined };
}

function elements(input: ModelInput): number {
  return input.shape.reduce((a, b) => a * b, 1);
}

/** Types whose random numbers are 0 and 1: indices, flags and texts of numbers that every model has. */
const counted = ["BOOL", "BYTES", "INT32", "INT64", "UINT16", "UINT32", "UINT64"];

/** A random tensor: numbers in [-1, 1), or 0 and 1 where the model counts. */
function randomRaw(input: ModelInput, seed: number): Uint8Array {
  const values = randomInput(elements(input), seed);
  const counts = counted.includes(input.datatype);
  return toRaw(counts ? values.map((value) => (value < 0 ? 0 : 1)) : values, input.datatype);
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
      inputs.map((input, i) => randomRaw(input, seed + set * inputs.length + i)),
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
