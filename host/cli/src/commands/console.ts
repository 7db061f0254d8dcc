import { type BayOptions, findBay } from "../client/find-bay.ts";
import { follow } from "../client/follow.ts";
import { Exit } from "../errors.ts";
import { action, addBayOptions, type Command, parseInteger } from "../program.ts";

interface ConsoleEntry {
  at: string;
  line?: string;
  event?: string;
  reason?: string;
  holder?: string;
  id?: string;
  lines?: number;
  dropped?: number;
}

function text(entry: ConsoleEntry): string {
  if (entry.line !== undefined) return entry.line;
  if (entry.event === "cut") return `-- cut: ${entry.reason}`;
  if (entry.event === "lease") return `-- lease ${entry.id} of ${entry.holder}, ${entry.at}`;
  return `-- end: ${entry.lines} lines, ${entry.dropped} not recorded, ${entry.at}`;
}

/** `mltb console TARGET`: what a target says, live or as it was recorded during a lease. */
export function registerConsole(program: Command): void {
  addBayOptions(
    program
      .command("console")
      .description("show a target's console: the last lines, then new ones until Ctrl-C")
      .argument("<target>", "name of the target")
      .option("--tail <n>", "lines from before", parseInteger(0, 1000), 100)
      .option("--no-follow", "end after the lines from before")
      .option("--lease <id>", "what the console said during this lease instead"),
  ).action(
    action(async (context, target: string, options: BayOptions & { tail: number; follow: boolean; lease?: string }) => {
      const of = `/api/v1/targets/${encodeURIComponent(target)}/console`;
      const path =
        options.lease === undefined
          ? `${of}?tail=${options.tail}&follow=${options.follow}`
          : `${of}/${encodeURIComponent(options.lease)}`;
      let cut = false;
      for await (const line of follow(findBay(options), path, context.signal)) {
        const entry = JSON.parse(line) as ConsoleEntry;
        if (entry.event === "cut") cut = true;
        process.stdout.write(`${context.json ? line : text(entry)}\n`);
      }
      // Ctrl-C is how one stops to watch; a lease's end takes the console away.
      return cut ? Exit.refused : Exit.done;
    }),
  );
}
