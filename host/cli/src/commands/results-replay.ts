import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { findRun, type Replay, replayRun } from "@mltb/bench";
import { readRecordingFile } from "@mltb/supervisor/energy";
import { cliError, Exit } from "../errors.ts";
import { action, type Command } from "../program.ts";
import { guarded, type ResultsOptions, withResults } from "./results-options.ts";

/** Fields of one record that are named on a line. */
const NAMED = 8;

/** The windows of a rail, computed again from the samples that its board sent. */
function reread(file: string) {
  const read = readRecordingFile(file);
  if ("faults" in read) throw new Error(read.faults.map(({ message }) => message).join("; "));
  return read.recording.result();
}

/** The folder of a run; it need not have a document any more. */
function folderOf(run: string, results: string): string {
  return existsSync(run) && statSync(run).isDirectory() ? resolve(run) : findRun(run, results).folder;
}

function same({ byte_equal, changed }: Replay): boolean {
  return byte_equal.result !== false && byte_equal.report !== false && changed.length === 0;
}

function fieldsOf(differing: { field: string }[]): string {
  const names = differing.slice(0, NAMED).map(({ field }) => field);
  const more = differing.length > NAMED ? ` and ${differing.length - NAMED} more` : "";
  return `${names.join(", ")}${more} ${differing.length === 1 ? "differs" : "differ"}`;
}

const held: Record<string, string> = {
  true: "the same bytes",
  false: "OTHER BYTES",
  null: "made anew; the run had none",
};

function lines(replay: Replay): string[] {
  const { byte_equal, changed, differing, records } = replay;
  return [
    ...records.map((record) => {
      const fields = record.differing.length === 0 ? "the same record" : fieldsOf(record.differing);
      return `${record.target} ${record.model}: ${fields}`;
    }),
    ...(differing.length === 0 ? [] : [`run: ${fieldsOf(differing)}`]),
    ...changed.map((file) => `${file}: changed since it was stored`),
    `result.json: ${held[String(byte_equal.result)]}`,
    `report.html: ${held[String(byte_equal.report)]}`,
  ];
}

/** `mltb results replay RUN`. */
export function registerReplay(group: Command): void {
  withResults(
    group
      .command("replay")
      .description(
        "make a run's document and report again of what it recorded, without hardware; exits 1 where a byte differs",
      )
      .argument("<run>", "id, folder or file")
      .option("--out <dir>", "keep what was made, in a folder below this one"),
  ).action(
    action(async (context, run: string, { results, out }: ResultsOptions & { out?: string }) => {
      const folder = guarded(() => folderOf(run, results));
      const into =
        out === undefined ? mkdtempSync(join(tmpdir(), "mltb-replay-")) : join(resolve(out), basename(folder));
      if (out !== undefined && existsSync(into))
        throw cliError(Exit.usage, "exists", `${into} is there already`, "give --out another folder");
      let isKept = false;
      try {
        const replay = guarded(() => replayRun(folder, into, reread));
        isKept = out !== undefined;
        const { folder: made, ...rest } = replay;
        context.print({ ...rest, folder: out === undefined ? null : made }, () =>
          [...lines(replay), ...(out === undefined ? [] : [`folder: ${made}`])].join("\n"),
        );
        return same(replay) ? Exit.done : Exit.bad;
      } finally {
        if (!isKept) rmSync(into, { recursive: true, force: true });
      }
    }),
  );
}
