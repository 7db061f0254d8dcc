import { readFileSync } from "node:fs";
import type { Analysis } from "@mltb/bench";
import { cliError, Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, type Command } from "../program.ts";

function text(analysis: Analysis): string {
  const tensors = (list: Analysis["inputs"]): string =>
    list.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(", ")}]`).join("; ");
  const operators = Object.entries(analysis.operators)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${count} ${name}`);
  return columns([
    ["multiply-accumulates", analysis.macs.toLocaleString("en")],
    ["weights", analysis.weights.toLocaleString("en")],
    ["bytes of the weights", analysis.parameters_bytes.toLocaleString("en")],
    ["largest live tensors", `${analysis.largest_live_bytes.toLocaleString("en")} bytes`],
    ["operators", operators.join(", ")],
    ["inputs", tensors(analysis.inputs)],
    ["outputs", tensors(analysis.outputs)],
  ]);
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw cliError(Exit.usage, "not-found", `${file} not found`);
    throw cliError(Exit.usage, "not-readable", `${file}: ${message}`);
  }
}

/** `mltb analyze`: what can be told of a model without running it. */
export function registerAnalyze(program: Command): void {
  program
    .command("analyze")
    .description("count a model's multiply-accumulates, weights, memory and operators (ONNX or TFLite)")
    .argument("<model>", "an .onnx or .tflite file")
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, file: string) => {
        const bytes = read(file);
        const { analyzeFile } = await import("@mltb/bench");
        let analysis: Analysis;
        try {
          analysis = analyzeFile(bytes);
        } catch (error) {
          // A damaged file, or an operator whose count would be a guess: there is no count at all then.
          throw cliError(Exit.usage, "not-analyzed", `${file}: ${(error as Error).message}`);
        }
        context.print(analysis, () => text(analysis));
        return Exit.done;
      }),
    );
}
