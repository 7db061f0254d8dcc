import { findRun, isResultsError, listRuns, type RunDocument } from "@mltb/bench";
import { cliError, Exit } from "../errors.ts";
import type { Command } from "../program.ts";
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
      "mltb results list shows the runs of a folder (--results DIR)",
    );
  }
}

/** The runs that a command names; `all` are those of the folder. */
export function namedRuns(names: string[], { results }: ResultsOptions): RunDocument[] {
  return guarded(() => (names[0] === "all" ? listRuns(results).runs : names.map((name) => findRun(name, results))));
}
