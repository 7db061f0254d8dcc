import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { action, addBayOptions, type Command, parseInteger } from "../program.ts";

interface Line {
  id: number;
  at: string;
  user: string;
  role: string;
  source: string;
  origin: string;
  action: string;
  target: string | null;
  args: unknown;
  lease: string | null;
  accepted_seq: number | null;
  status: string;
  code: string | null;
  message: string | null;
  fence?: number | null;
}

interface LogOptions extends BayOptions {
  target?: string;
  limit: number;
  follow?: boolean;
}

const FOLLOW_MS = 500;

/** `mltb log`: who did what, when, from where, and how it ended. */
export function registerLog(program: Command): void {
  addBayOptions(
    program
      .command("log")
      .description("show the audit log: who did what, when, from where, and how it ended")
      .option("--target <target>", "only this target")
      .option("--limit <n>", "how many lines, the newest", parseInteger(1, 1000), 50)
      .option("--follow", "go on with new lines until Ctrl-C; with --json one document a line"),
  ).action(
    action(async (context, options: LogOptions) => {
      const bay = findBay(options);
      const read = async (query: Record<string, number>): Promise<Line[]> => {
        const text = new URLSearchParams(options.target === undefined ? {} : { target: options.target });
        for (const [name, value] of Object.entries(query)) text.set(name, String(value));
        return (await bay.call<{ lines: Line[] }>("GET", `/api/v1/log?${text}`)).lines.reverse();
      };
      let lines = await read({ limit: options.limit });
      if (options.follow !== true) {
        context.print({ schema: "mltb.log/1", lines }, () => lines.map(text).join("\n") || "nothing has been logged");
        return Exit.done;
      }
      for (let last = 0; ; ) {
        for (const line of lines) context.print(line, () => text(line));
        last = lines.at(-1)?.id ?? last;
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
        if (context.signal.aborted) return Exit.done;
        lines = await read({ after: last, limit: 1000 });
      }
    }),
  );
}

function text(line: Line): string {
  const args = line.args === null || line.args === undefined ? "" : ` ${JSON.stringify(line.args)}`;
  const why = line.code === null ? "" : ` (${line.code}: ${line.message ?? ""})`;
  const who = line.origin === line.source ? line.user : `${line.user} ${line.origin}`;
  return `${line.at}  ${line.source.padEnd(6)}  ${who}  ${line.target ?? "-"}  ${line.action}${args}  ${line.status}${why}`;
}
