import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { analyzeFile } from "../analyze-file.ts";
import type { Experiment, ModelSource } from "../configurator/types.ts";
import { generateModel, UnknownOperatorError } from "../onnx/index.ts";
import { sha256 } from "../results/record.ts";
import { isTflite } from "../tflite/reader.ts";
import { loadInputs } from "./inputs.ts";
import type { ModelFile } from "./measure-model.ts";
import { isStatic, optimizeModel, recalibrateModel } from "./optimize-model.ts";
import type { ReferenceModels } from "./reference.ts";
import { writeWhole } from "./write-whole.ts";

/** A prepared model as the journal has it: the bytes lie in the run's folder under their hash. */
export type ModelOutput = Omit<ModelFile, "bytes"> & { path: string; size_bytes: number };

/** Inputs over which ranges are taken where nobody names a number. */
const SAMPLES = 32;

export interface PrepareOptions {
  /** Folder of the run. */
  folder: string;
  note(text: string): void;
}

/** Applies what the experiment asks for to a model and stores it. */
export function prepareModel(source: ModelSource, { folder, note }: PrepareOptions): ModelOutput {
  const original = originalOf(source);
  const { bytes, steps } = optimizeModel(source.name, original, source.optimizations ?? [], note);
  let counts: { macs: number; weights: number } | undefined;
  try {
    counts = analyzeFile(original);
  } catch (error) {
    // A model that the analyser does not understand can still be measured; its counts are then not known.
    if (!(error instanceof UnknownOperatorError)) throw error;
  }
  const { macs = null, weights = null } = counts ?? {};
  const { name, threads } = source;
  const known = { name, macs, weights, optimizations: steps, ...store(folder, bytes) };
  return threads === undefined ? known : { ...known, threads };
}

/**
 * The second step of a static quantisation: the ranges of the activations are taken over the experiment's inputs, on the host's
 * reference runtime. Gives the model as it is where its activations are quantised at run time.
 */
export async function recalibratePrepared(
  experiment: Experiment,
  source: ModelSource,
  before: ModelOutput,
  options: PrepareOptions & { reference: ReferenceModels | undefined; samples: unknown },
): Promise<ModelOutput> {
  const { folder, note, reference } = options;
  if (!(source.optimizations ?? []).some(isStatic)) {
    note(`${source.name}: nothing to recalibrate: activations are quantised at run time`);
    return before;
  }
  const { bytes } = loadPrepared(folder, before);
  const samples = typeof options.samples === "number" ? options.samples : SAMPLES;
  const given = await loadInputs(experiment);
  const done = await recalibrateModel(source.name, bytes, { reference, given, samples, seed: experiment.measure.seed });
  note(`${source.name}: ${done.step}, ${bytes.length} -> ${done.bytes.length} bytes`);
  return { ...before, optimizations: [...before.optimizations, done.step], ...store(folder, done.bytes) };
}

function store(folder: string, bytes: Uint8Array): { path: string; sha256: string; size_bytes: number } {
  const hash = sha256(bytes);
  const path = join("models", `${hash}.${isTflite(bytes) ? "tflite" : "onnx"}`);
  mkdirSync(join(folder, "models"), { recursive: true });
  if (!existsSync(join(folder, path))) writeWhole(join(folder, path), bytes);
  return { path, sha256: hash, size_bytes: bytes.length };
}

/** The bytes of a model before anything is done to it. */
export function originalOf(source: ModelSource): Uint8Array {
  return "file" in source ? readFileSync(source.file) : generateModel(source.generate);
}

/** The model among the outputs of the nodes before. */
export function prepared(inputs: Record<string, unknown>): ModelOutput | undefined {
  return Object.values(inputs).find((output) => output !== undefined && output !== null) as ModelOutput | undefined;
}

export function loadPrepared(folder: string, output: ModelOutput): ModelFile {
  const { path, size_bytes: _, ...rest } = output;
  return { ...rest, bytes: readFileSync(join(folder, path)) };
}
