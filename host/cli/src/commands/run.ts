import {
  type BayAddress,
  checkFile,
  driftOf,
  driftText,
  type Experiment,
  listRuns,
  type RunDocument,
  readExperiments,
  renderTable,
  runExperiments,
  SqliteJournal,
} from "@mltb/bench";
import { type BringUpOptions, bringUp, type RunningBay } from "../bay/bring-up.ts";
import { journalFile, stateFolder } from "../bay/state.ts";
import type { BayClient } from "../client/bay-client.ts";
import { addressOf, type BayOptions, findBayIfUp } from "../client/find-bay.ts";
import { hostReference } from "../client/reference.ts";
import { CliError, Exit } from "../errors.ts";
import { progressTo } from "../output/progress.ts";
import { createSteps, type Steps } from "../output/steps.ts";
import { action, addBayOptions, type Command, type Context } from "../program.ts";

export interface RunOptions extends BayOptions {
  set: string[];
  out?: string;
}

/** The checked experiments of a file; faults end as one error with all of them, before anything is powered. */
export function loadExperiments(file: string, sets: string[]): Experiment[] {
  const result = readExperiments(file, sets, process.env);
  if ("faults" in result) throw new CliError(Exit.usage, result.faults);
  return result.experiments;
}

/** Where results go unless `--out` names a folder: `results/` below the current folder. */
export const defaultOut = "results";

/** Runs the experiments of a file on a bay and returns the document that is also in their folder. */
export async function runOnBay(
  experiments: Experiment[],
  bay: BayClient,
  out: string,
  steps: Steps,
  signal: AbortSignal,
  state?: string,
): Promise<RunDocument> {
  const journal = openJournal(state);
  const reference = hostReference();
  try {
    const onProgress = progressTo(steps);
    const address = { ...addressOf(bay), ...ownLease() };
    const run = await runExperiments({
      experiments,
      bay: address,
      outDir: out,
      journal,
      onProgress,
      signal,
      reference: reference.open,
    });
    const { runs, broken } = listRuns(out);
    for (const message of broken) onProgress({ text: `warning: not looked at for drift: ${message}` });
    for (const drift of driftOf(run, runs)) onProgress({ text: `warning: ${driftText(drift)}` });
    return run;
  } finally {
    await reference.close();
    journal.close();
  }
}

/** The journal of experiments in the state folder. */
export function openJournal(state: string | undefined): SqliteJournal {
  return new SqliteJournal(journalFile(stateFolder(state)));
}

/** The lease under which `mltb lease ... -- COMMAND` has started this command, if it has. */
export function ownLease(): { lease?: NonNullable<BayAddress["lease"]> } {
  const id = process.env["MLTB_LEASE"];
  const targets = process.env["MLTB_TARGETS"]?.split(/[\s,]+/) ?? [];
  return id === undefined || id === "" ? {} : { lease: { id, targets } };
}

/**
 * Exit code of the command that a run has ended under: 4 where a target was not proved off, 130 where the command was interrupted,
 * 1 where the run was cancelled or a verdict is `invalid`.
 */
export function runExit(
  { not_safe = [], cancelled, results }: RunDocument,
  { signal }: { signal: AbortSignal },
): number {
  if (not_safe.length > 0) return Exit.unreachable;
  if (signal.aborted) return Exit.interrupted;
  return cancelled != null || results.some(({ verdict }) => verdict === "invalid") ? Exit.bad : Exit.done;
}

/** Options of a bay that a command brings up for itself: free ports, its own folder below the state folder. */
export function ownBay(bayFile: string, state: string | undefined, steps: Steps, signal: AbortSignal): BringUpOptions {
  return {
    bayFile,
    http: { host: "127.0.0.1", port: 0, named: true },
    mqtt: { host: "127.0.0.1", port: 0, named: true },
    stateDir: stateFolder(state),
    steps,
    signal,
  };
}

export async function runFile(context: Context, file: string, options: RunOptions): Promise<number> {
  const experiments = loadExperiments(file, options.set);
  // The experiments of a file share a bay; a file without any has been refused.
  const bayFile = (experiments[0] as Experiment).bayFile;
  const steps = createSteps();
  const client = findBayIfUp(options);
  let running: RunningBay | undefined;
  try {
    if (client === undefined) running = await bringUp(ownBay(bayFile, options.state, steps, context.signal));
    const bay = client ?? findBayIfUp(options);
    if (bay === undefined) throw new Error("the bay that was brought up cannot be found");
    const run = await runOnBay(experiments, bay, options.out ?? defaultOut, steps, context.signal, options.state);
    context.print(run, () => `${renderTable(run)}\nresults  ${run.folder}\nreport   ${run.folder}/report.html`);
    return runExit(run, context);
  } finally {
    await running?.stop();
  }
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** `mltb run FILE`, `mltb check FILE`. */
export function registerRun(program: Command): void {
  addBayOptions(
    program
      .command("run")
      .description("run an experiment on the bay that is up, or on one brought up for it")
      .argument("<file>", "experiment file (YAML)")
      .option(
        "--set <path=value>",
        "override a value by its path, such as measure.window_s=1 (repeatable)",
        collect,
        [],
      )
      .option("--out <dir>", `folder for results (default ./${defaultOut})`),
  ).action(action((context, file: string, options: RunOptions) => runFile(context, file, options)));

  program
    .command("check")
    .description("read a bay or experiment file and report every fault; touches nothing")
    .argument("<file>", "bay or experiment file (YAML)")
    .option("--set <path=value>", "override a value by its path (repeatable)", collect, [])
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, file: string, options: { set: string[] }) => {
        const faults = checkFile(file, options.set, process.env);
        if (faults.length > 0) throw new CliError(Exit.usage, faults);
        context.print({ file, ok: true, errors: [] }, () => `${file}: no faults`);
        return Exit.done;
      }),
    );
}
