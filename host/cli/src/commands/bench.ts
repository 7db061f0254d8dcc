import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedModels } from "@mltb/bench";
import { runningBay, stateFolder } from "../bay/state.ts";
import type { BayOptions } from "../client/find-bay.ts";
import { CliError } from "../errors.ts";
import { action, addBayOptions, type Command, parseInteger } from "../program.ts";
import { collect, defaultOut, type RunOptions, runFile } from "./run.ts";

interface BenchOptions extends BayOptions, RunOptions {
  target: string[];
  bay?: string;
  windows: number;
  window: number;
  warmup: number;
}

const demo = fileURLToPath(new URL("../../../../examples/demo-bay.yml", import.meta.url));

/** The experiment that the words of the command make. */
function experimentOf(model: string, options: BenchOptions): Record<string, unknown> {
  const generated = !existsSync(model) && Object.hasOwn(generatedModels, model);
  const name = (model.split("/").at(-1) ?? model).replace(/\.(onnx|tflite)$/, "").replace(/[^A-Za-z0-9_.-]/g, "-");
  const up = runningBay(stateFolder(options.state));
  return {
    experiment: `bench-${name}`.slice(0, 64),
    bay: resolve(options.bay ?? up?.bay_file ?? demo),
    targets: options.target,
    models: [generated ? { name, generate: model } : { name, file: resolve(model) }],
    measure: { windows: options.windows, window_s: options.window, warmup: options.warmup },
  };
}

/** `mltb bench MODEL --target T`: an experiment without a file. */
export function registerBench(program: Command): void {
  addBayOptions(
    program
      .command("bench")
      .description("measure a model on targets, without an experiment file")
      .argument("<model>", `an ONNX file, or one of the generated ${Object.keys(generatedModels).join(", ")}`)
      .requiredOption("--target <name>", "a target of the bay (repeatable)", collect, [])
      .option("--bay <file>", "bay file (default: that of the bay that is up, else the demo bay)")
      .option("--windows <n>", "windows", parseInteger(1, 1000), 5)
      .option("--window <s>", "seconds of a window", Number, 2)
      .option("--warmup <n>", "inferences before the first window", parseInteger(0, 100_000), 10)
      .option("--set <path=value>", "any other value of an experiment, such as measure.scenario=offline", collect, [])
      .option("--out <dir>", `folder for results (default ./${defaultOut})`),
  ).action(
    action(async (context, model: string, options: BenchOptions) => {
      const folder = mkdtempSync(join(tmpdir(), "mltb-bench-"));
      const file = join(folder, "experiment.json");
      try {
        writeFileSync(file, JSON.stringify(experimentOf(model, options)));
        return await runFile(context, file, options);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        // The file is not the user's: where a fault stands in it says nothing to them.
        const faults = error.faults.map(({ code, message, suggestion }) => ({
          code,
          message,
          ...(suggestion === undefined ? {} : { suggestion }),
        }));
        throw new CliError(error.exit, faults);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
  );
}
