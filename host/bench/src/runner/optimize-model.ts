import type { Optimization } from "../configurator/types.ts";
import { quantizeDynamic, quantizeStatic, rangesModel, recalibrate } from "../onnx/index.ts";
import { RunError } from "./bay-api.ts";
import { type Inputs, inputSets } from "./inputs.ts";
import type { ReferenceModels } from "./reference.ts";

/** Whether a quantisation needs the ranges of activations. */
export function isStatic({ options }: Optimization): boolean {
  return options.includes("static");
}

/** Applies the optimisations of an experiment to a model in their order; `steps` says each in words, for the fingerprint. */
export function optimizeModel(
  name: string,
  original: Uint8Array,
  optimizations: Optimization[],
  note: (text: string) => void,
): { bytes: Uint8Array; steps: string[] } {
  let bytes = original;
  const steps: string[] = [];
  for (const optimization of optimizations) {
    const { otype, options } = optimization;
    const quantized = isStatic(optimization) ? quantizeStatic(bytes) : quantizeDynamic(bytes);
    const count = Object.values(quantized.rewritten).reduce((a, b) => a + b, 0);
    const text = `${otype} ${options.join(" ")}`;
    if (count === 0) throw new RunError(`${name}: no operator can be quantised (${text})`);
    note(
      `${name}: ${text}, ${count} operators, ${bytes.length} -> ${quantized.bytes.length} bytes` +
        (quantized.kept.length === 0 ? "" : `; ${quantized.kept.length} kept as they were`),
    );
    bytes = quantized.bytes;
    steps.push(text);
  }
  return { bytes, steps };
}

/** Gives the activations of a statically quantised model the ranges that the reference runtime sees over the inputs. */
export async function recalibrateModel(
  name: string,
  bytes: Uint8Array,
  on: { reference: ReferenceModels | undefined; given: Inputs; samples: number; seed: number },
): Promise<{ bytes: Uint8Array; step: string }> {
  if (on.reference === undefined) throw new RunError(`${name}: recalibrating needs ONNX Runtime on the host`);
  const asking = await on.reference.model(rangesModel(bytes));
  const sets = inputSets(asking.inputs, on.given.samples, on.seed, on.samples).slice(0, on.samples);
  let ranges: Float64Array | undefined;
  for (const set of sets) {
    const seen = await asking.infer(set);
    ranges = seen.map((value, i) => (i % 2 === 0 ? Math.min : Math.max)(value, ranges?.[i] ?? value));
  }
  if (ranges === undefined) throw new RunError(`${name}: there is no input to recalibrate with`);
  const source = on.given.samples === undefined ? "random" : "own";
  return {
    bytes: recalibrate(bytes, ranges),
    step: `recalibrated over ${sets.length} ${source} input${sets.length === 1 ? "" : "s"}`,
  };
}
