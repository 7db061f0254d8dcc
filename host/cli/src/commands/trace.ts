import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  bodyText,
  type Decoded,
  decodeTrace,
  parseTrace,
  readTrace,
  replayTrace,
  type Trace,
} from "@mltb/supervisor/trace";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { follow } from "../client/follow.ts";
import { CliError, cliError, Exit } from "../errors.ts";
import { targetTable } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

/** A frame, or what was no frame, in one line; times are relative to the first one. */
function line(item: Decoded, first_ms: number): string {
  const head = `${(item.at_ms - first_ms).toFixed(3).padStart(12)} ms ${item.direction}`;
  if ("faults" in item) {
    const what = Object.entries(item.faults).map(([key, value]) => `${key}=${value}`);
    return `${head} NO FRAME ${what.join(" ")}`;
  }
  const { kind, seq, ack, tag, name, body } = item;
  return `${head} ${kind.padEnd(8)} seq=${seq} ack=${ack}${tag === 0 ? "" : ` tag=${tag}`} ${name} ${bodyText(body)}`.trimEnd();
}

function checked(trace: Trace | { faults: CliError["faults"] }): Trace {
  if ("faults" in trace) throw new CliError(Exit.usage, trace.faults);
  return trace;
}

/** `mltb trace BOARD`, `mltb replay FILE`. */
export function registerTrace(program: Command): void {
  addBayOptions(
    program
      .command("trace")
      .description("show what went over a board's link last, frame by frame, or keep it in a file")
      .argument("<board>", "name of the board, or a file that --out has written")
      .option("--out <file>", "write the trace as it is, for `mltb replay`"),
  ).action(
    action(async (context, name: string, options: BayOptions & { out?: string }) => {
      let trace: Trace;
      if (name.includes("/") || name.includes(".")) trace = checked(readTrace(name));
      else {
        const bay = findBay(options);
        const lines: string[] = [];
        for await (const text of follow(bay, `/api/v1/boards/${encodeURIComponent(name)}/trace`, context.signal)) {
          lines.push(text);
        }
        const text = `${lines.join("\n")}\n`;
        trace = checked(parseTrace(name, text));
        if (options.out !== undefined) {
          const file = resolve(options.out);
          try {
            writeFileSync(file, text, { mode: 0o600 });
          } catch (error) {
            throw cliError(Exit.usage, "file", `${file} cannot be written: ${(error as Error).message}`);
          }
          const { pieces, header } = trace;
          const document = { file, board: header.board, pieces: pieces.length, dropped_bytes: header.dropped_bytes };
          context.print(document, () => `${pieces.length} pieces of ${header.board} in ${file}`);
          return Exit.done;
        }
      }
      const first = trace.pieces[0]?.at_ms ?? 0;
      for (const item of decodeTrace(trace)) {
        process.stdout.write(`${context.json ? JSON.stringify(item) : line(item, first)}\n`);
      }
      return Exit.done;
    }),
  );

  program
    .command("replay")
    .description("play a trace through the supervisor's model of a board: what it concluded, and from which frame on")
    .argument("<file>", "trace that `mltb trace --out` has written")
    .option("--json", "print one JSON document a line on standard output")
    .action(
      action(async (context, file: string) => {
        const trace = checked(readTrace(file));
        const first = trace.pieces[0]?.at_ms ?? 0;
        const summary = replayTrace(trace, (event) => {
          const { at_ms, event: name, ...fields } = event;
          const text = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
          const at = `${(at_ms - first).toFixed(3).padStart(12)} ms`;
          process.stdout.write(`${context.json ? JSON.stringify(event) : `${at} ${name} ${text.join(" ")}`}\n`);
        });
        const { frames, faulty_pieces, unreadable, samples, targets } = summary;
        context.print({ event: "end", ...summary }, () =>
          [
            `${frames} frames, ${unreadable} unreadable, ${faulty_pieces} pieces with bytes that are no frame`,
            `${samples.received} rows of samples, ${samples.lost} lost, ${samples.malformed} malformed`,
            targetTable(targets),
          ].join("\n"),
        );
        return faulty_pieces + unreadable + samples.malformed > 0 ? Exit.bad : Exit.done;
      }),
    );
}
