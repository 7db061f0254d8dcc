import { findRun, isResultsError, listRuns, type RunDocument } from "@mltb/bench";
import { cliError, Exit } from "../errors.ts";
import type { Command, Context } from "../program.ts";
import { defaultOut } from "./run.ts";

/** Options of every command on stored results. */
export interface ResultsOptions {
  results: string;
}

export function withResults(command: Command): Command {
  return command
    .option("--results <dir>", "folder with runs", defaultOut)
    .option("--json", "print one JSON document on standard output");
}

/** Runs a command on results: what cannot be found or read is a wrong use. */
export function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!isResultsError(error)) throw error;
    throw cliError(
      Exit.usage,
      "results",
      error.message,
      error.mend ?? "mltb results list shows the runs of a folder (--results DIR)",
    );
  }
}

/** Runs of a folder, the newest first; those that cannot be read are named. */
export function runsOf(context: Context, folder: string): RunDocument[] {
  const { runs, broken } = guarded(() => listRuns(folder));
  for (const message of broken) context.note(`warning: left out: ${message}`);
  return runs;
}

/** The runs that a command names; `all` are those of the folder. */
export function namedRuns(context: Context, names: string[], { results }: ResultsOptions): RunDocument[] {
  if (names[0] === "all") return runsOf(context, results);
  return guarded(() => names.map((name) => findRun(name, results)));
}
