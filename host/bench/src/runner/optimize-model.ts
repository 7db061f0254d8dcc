import type { Optimization } from "../configurator/types.ts";
import { quantizeDynamic } from "../onnx/index.ts";
import { RunError } from "./bay-api.ts";

/** Applies the optimisations of an experiment to a model in their order; `steps` says each in words, for the fingerprint. */
export function optimizeModel(
  name: string,
  original: Uint8Array,
  optimizations: Optimization[],
  note: (text: string) => void,
): { bytes: Uint8Array; steps: string[] } {
  let bytes = original;
  const steps: string[] = [];
  for (const { otype, options } of optimizations) {
    const quantized = quantizeDynamic(bytes);
    const count = Object.values(quantized.rewritten).reduce((a, b) => a + b, 0);
    if (count === 0) throw new RunError(`${name}: no operator can be quantised dynamically`);
    note(
      `${name}: ${otype} ${options.join(" ")}, ${count} operators, ${bytes.length} -> ${quantized.bytes.length} bytes` +
        (quantized.kept.length === 0 ? "" : `; ${quantized.kept.length} kept as they were`),
    );
    bytes = quantized.bytes;
    steps.push(`${otype} ${options.join(" ")}`);
  }
  return { bytes, steps };
}
