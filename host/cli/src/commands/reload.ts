import { readBayFile } from "@mltb/contract";
import { runningBay, stateFolder } from "../bay/state.ts";
import { CliError, cliError, Exit } from "../errors.ts";
import { action, type Command } from "../program.ts";

const WAIT_MS = 30_000;
const LOOK_MS = 50;

interface Result {
  added: string[];
  changed: string[];
  removed: string[];
  untouched: string[];
}

/** `mltb reload`: the bay that is up reads its file again. */
export function registerReload(program: Command): void {
  program
    .command("reload")
    .description("have the bay that is up read its file again; racks whose part did not change are not touched")
    .option("--state <dir>", "folder where the bay that is up keeps its address and secrets")
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, options: { state?: string }) => {
        const folder = stateFolder(options.state);
        const before = runningBay(folder);
        if (before === undefined) {
          throw cliError(Exit.unreachable, "no-bay", `no bay is up (looked in ${folder})`, "mltb up --bay FILE");
        }
        // The signal would end a bay that does not listen for it.
        if (before.bay_file === undefined || before.reloads !== true) {
          const text =
            "the bay that is up belongs to a run, or is of an older version: it does not read its file again";
          throw cliError(Exit.refused, "no-reload", text, "end it, and start it with mltb up --bay FILE");
        }
        // Faults are told before the bay hears of it.
        const read = readBayFile(before.bay_file);
        if ("faults" in read) throw new CliError(Exit.usage, read.faults);
        try {
          process.kill(before.pid, "SIGUSR2");
        } catch (error) {
          throw cliError(Exit.unreachable, "no-signal", `process ${before.pid}: ${(error as Error).message}`);
        }
        for (let waited = 0; waited < WAIT_MS && !context.signal.aborted; waited += LOOK_MS) {
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
          const now = runningBay(folder);
          if (now === undefined) throw cliError(Exit.unreachable, "bay-ended", "the bay ended instead of reloading");
          if (now.reload === undefined || now.reload.at === before.reload?.at) continue;
          if (now.reload.errors !== undefined) throw new CliError(Exit.refused, now.reload.errors);
          const result = now.reload.result as Result;
          context.print(result, () =>
            Object.entries(result)
              .filter(([, names]) => names.length > 0)
              .map(([what, names]) => `${what}: ${names.join(", ")}`)
              .join("\n"),
          );
          return Exit.done;
        }
        throw cliError(Exit.unreachable, "not-confirmed", `the bay did not confirm within ${WAIT_MS / 1000} s`);
      }),
    );
}
