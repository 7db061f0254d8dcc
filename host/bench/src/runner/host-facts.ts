import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import type { Experiment } from "../configurator/types.ts";
import { sha256 } from "../results/record.ts";

/** The machine that measured. */
export interface Host {
  cpu: string;
  cores: number;
  os: string;
}

export function hostFacts(): Host {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? "unknown",
    cores: cores.length,
    os: `${process.platform} ${process.arch} ${release()}`,
  };
}

/**
 * Hash over the bytes of the inputs and what is done to them before they reach a model; null where an experiment has none of its
 * own. Throws where a file cannot be read.
 */
export function inputsHash({ dataset, picture }: Experiment): string | null {
  if (picture !== undefined) {
    const { file, ...form } = picture;
    return sha256(JSON.stringify([sha256(readFileSync(file)), form]));
  }
  if (dataset === undefined) return null;
  const { inputs, labels, preprocess, metric } = dataset;
  const files = [inputs.file, labels.file].map((file) => sha256(readFileSync(file)));
  const shape = { dtype: inputs.dtype, shape: inputs.shape, column: labels.column, preprocess, metric };
  return sha256(JSON.stringify([...files, shape]));
}
