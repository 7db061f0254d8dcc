import { readFileSync } from "node:fs";
import type { Dataset, Step } from "../configurator/dataset-schema.ts";
import { uniform } from "../random.ts";
import { readCsv } from "../results/csv.ts";

/** A data set that does not fit itself or the model. */
export class DatasetError extends Error {}

export function isDatasetError(error: unknown): error is DatasetError {
  return error instanceof DatasetError;
}

const bytesOf = { int8: 1, uint8: 1, int16: 2, int32: 4, float32: 4 } as const;

/** One record as numbers with a shape. */
export interface Sample {
  values: Float64Array;
  shape: number[];
  /** Type that a model must take it as, where the experiment says so. */
  datatype?: string;
}

function transpose(sample: Sample, axes: number[]): Sample {
  const { values, shape } = sample;
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const outShape = axes.map((axis) => shape[axis] as number);
  const out = new Float64Array(values.length);
  const index = new Array<number>(axes.length).fill(0);
  for (let i = 0; i < out.length; i += 1) {
    let from = 0;
    for (let axis = 0; axis < axes.length; axis += 1)
      from += (index[axis] as number) * (strides[axes[axis] as number] as number);
    out[i] = values[from] as number;
    for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (outShape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return { values: out, shape: outShape };
}

/** Applies the preprocessing steps in their order. */
export function preprocess(sample: Sample, steps: Step[]): Sample {
  let at = sample;
  for (const step of steps) {
    at =
      "transpose" in step
        ? transpose(at, step.transpose)
        : { shape: at.shape, values: at.values.map((v) => v * step.scale) };
  }
  return at;
}

/** All records of a data set, preprocessed, with their labels. */
export function loadDataset(dataset: Dataset): { samples: Sample[]; labels: number[] } {
  const { dtype, shape, file } = dataset.inputs;
  const raw = readFileSync(file);
  const count = shape.reduce((a, b) => a * b, 1);
  const size = count * bytesOf[dtype];
  if (raw.length === 0 || raw.length % size !== 0) {
    throw new DatasetError(`${file}: ${raw.length} bytes are not whole records of ${size} bytes (${dtype} [${shape}])`);
  }
  const read = {
    int8: (at: number) => raw.readInt8(at),
    uint8: (at: number) => raw.readUInt8(at),
    int16: (at: number) => raw.readInt16LE(at),
    int32: (at: number) => raw.readInt32LE(at),
    float32: (at: number) => raw.readFloatLE(at),
  }[dtype];
  const samples: Sample[] = [];
  for (let at = 0; at < raw.length; at += size) {
    const values = Float64Array.from({ length: count }, (_, i) => read(at + i * bytesOf[dtype]));
    samples.push(preprocess({ values, shape }, dataset.preprocess));
  }
  const labels = readLabels(dataset.labels.file, dataset.labels.column);
  if (labels.length !== samples.length) {
    throw new DatasetError(`${dataset.labels.file}: ${labels.length} labels for ${samples.length} inputs`);
  }
  return { samples, labels };
}

/** A column of whole numbers of a CSV file with a header. */
function readLabels(file: string, column: string): number[] {
  return readCsv(readFileSync(file, "utf8"), file).map((row, i) => {
    const text = row[column];
    if (text === undefined)
      throw new DatasetError(`${file}: no column ${column}; there are ${Object.keys(row).join(", ")}`);
    const label = Number(text);
    if (text === "" || !Number.isInteger(label))
      throw new DatasetError(`${file}:${i + 2}: ${column} is not a whole number`);
    return label;
  });
}

/** Random input values in [-1, 1) from a seed, for experiments without a data set. */
export function randomInput(count: number, seed: number): Float64Array {
  const random = uniform(seed);
  return Float64Array.from({ length: count }, () => 2 * random() - 1);
}
