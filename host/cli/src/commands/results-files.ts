import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Imported, importResults, mlperfLayout, namedClasses, type RunDocument, toCsv } from "@mltb/bench";
import { identifierSchema } from "@mltb/contract";
import { cliError, Exit } from "../errors.ts";
import { action, type Command, type Context, InvalidArgumentError, parseChoice } from "../program.ts";
import { guarded, namedRuns, type ResultsOptions, withResults } from "./results-options.ts";

const formats = ["csv", "json", "mlperf"] as const;
const divisions = ["open", "closed"] as const;

interface ExportOptions extends ResultsOptions {
  format: (typeof formats)[number];
  out?: string;
  division: string;
  submitter: string;
}

/** A name that a folder may have. */
function parseName(text: string): string {
  const name = identifierSchema.safeParse(text);
  if (!name.success) throw new InvalidArgumentError(`${name.error.issues[0]?.message}.`);
  return name.data;
}

/** Writes runs as MLPerf lays a submission out. */
function writeMlperf(context: Context, runs: RunDocument[], { out, division, submitter }: ExportOptions): void {
  if (out === undefined) throw cliError(Exit.usage, "no-folder", "the MLPerf layout is a folder", "give --out DIR");
  const { files, left_out } = guarded(() => mlperfLayout(runs, { division, submitter }, namedClasses));
  for (const { path, text } of files) {
    const file = resolve(out, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const text of left_out) context.note(`warning: left out: ${text}`);
  const written = files.map(({ path }) => resolve(out, path));
  context.print({ files: written, left_out }, () => written.join("\n"));
}

function registerExport(group: Command): void {
  withResults(
    group
      .command("export")
      .description("write runs as CSV, JSON or in the layout of a submission to MLPerf Inference")
      .argument("<run...>", "ids, folders or files; `all` for every run of the folder")
      .requiredOption("--format <format>", formats.join(", "), parseChoice(formats))
      .option("--out <path>", "file (csv, json) or folder (mlperf); else standard output")
      .option(
        "--division <division>",
        `of the MLPerf layout: ${divisions.join(" or ")}`,
        parseChoice(divisions),
        "open",
      )
      .option("--submitter <name>", "of the MLPerf layout: whose results they are", parseName, "mltb"),
  ).action(
    action(async (context, names: string[], options: ExportOptions) => {
      const runs = namedRuns(context, names, options);
      if (options.format === "mlperf") {
        writeMlperf(context, runs, options);
        return Exit.done;
      }
      const text =
        options.format === "csv" ? toCsv(runs) : `${JSON.stringify(runs.length === 1 ? runs[0] : runs, null, 2)}\n`;
      if (options.out === undefined && options.format === "csv") context.print({ csv: text }, () => text.trimEnd());
      else if (options.out === undefined) process.stdout.write(text);
      else {
        const file = resolve(options.out);
        writeFileSync(file, text);
        context.print({ files: [file] }, () => file);
      }
      return Exit.done;
    }),
  );
}

function registerImport(group: Command): void {
  group
    .command("import")
    .description("published results of others (MLPerf Tiny, MLPerf Inference, EdgeMark, AI Hub as CSV) in our units")
    .argument("<file>", "CSV file; its columns say which format it is")
    .option("--systems <file>", "descriptors of boards and toolchains (CSV) to join MLPerf Tiny's results to")
    .option("--out <file>", "where to write the document")
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, file: string, options: { out?: string; systems?: string }) => {
        const imported = guarded(() => importResults(file, options.systems));
        if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(imported)}\n`);
        context.print(imported, () =>
          [
            importedText(imported),
            ...imported.skipped.slice(0, 10).map((row) => `  line ${row.line}: ${row.reason}`),
            ...(imported.skipped.length > 10
              ? [`  and ${imported.skipped.length - 10} more rows that were left out`]
              : []),
          ].join("\n"),
        );
        return Exit.done;
      }),
    );
}

/** What was read, and how much of it found its descriptor. */
function importedText({ format, results, systems, source, joined }: Imported): string {
  const read = systems === undefined ? `${results.length} results` : `${systems.length} systems`;
  const found = joined === undefined ? "" : `, ${results.length - joined.without} with the descriptor of their system`;
  return `${format}: ${read} of ${source.rows} rows${found}`;
}

/** `mltb results export` and `mltb results import`. */
export function registerFiles(group: Command): void {
  registerExport(group);
  registerImport(group);
}
