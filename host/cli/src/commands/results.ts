import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type Axis,
  axes,
  circumstanceText,
  compareRuns,
  driftOf,
  driftText,
  explain,
  findRun,
  movedBy,
  paretoFront,
  renderTable,
  reportOf,
  simulatedParts,
  simulatedText,
} from "@mltb/bench";
import { Exit } from "../errors.ts";
import { action, type Command, InvalidArgumentError } from "../program.ts";
import { registerFiles } from "./results-files.ts";
import { guarded, namedRuns, type ResultsOptions, runsOf, withResults } from "./results-options.ts";
import { registerReplay } from "./results-replay.ts";

const short = (value: number): string => Number(value.toPrecision(4)).toString();

function parseAxes(text: string): Axis[] {
  const words = text.split(",");
  const wrong = words.find((word) => !(axes as readonly string[]).includes(word));
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is none of ${axes.join(", ")}.`);
  return words as Axis[];
}

function registerGroup(program: Command): void {
  const group = program
    .command("results")
    .description("results of runs: list, show, export, pareto, drift, replay, import");

  withResults(group.command("list").description("runs of a folder, the newest first")).action(
    action(async (context, { results }: ResultsOptions) => {
      const rows = runsOf(context, results).map((run) => ({
        run_id: run.run_id,
        experiment: run.experiment,
        started_at: run.started_at,
        folder: run.folder,
        verdicts: run.results.map((record) => record.verdict),
        simulated: [...new Set(run.results.flatMap((record) => record.simulated))],
      }));
      context.print({ runs: rows }, () =>
        rows.length === 0
          ? `no runs in ${resolve(results)}`
          : rows
              .map(
                (row) =>
                  `${row.run_id}  ${row.experiment}  ${row.verdicts.join(" ")}${row.simulated.length > 0 ? ` ${simulatedMark(row.simulated)}` : ""}`,
              )
              .join("\n"),
      );
      return Exit.done;
    }),
  );

  withResults(group.command("show").description("the table of a run").argument("<run>", "id, folder or file")).action(
    action(async (context, run: string, { results }: ResultsOptions) => {
      const found = guarded(() => findRun(run, results));
      context.print(found, () => `${renderTable(found)}\nresults  ${found.folder}`);
      return Exit.done;
    }),
  );

  withResults(
    group
      .command("pareto")
      .description("results that no other beats on every axis")
      .argument("<run...>", "ids, folders or files; `all` for every run of the folder")
      .option("--by <axes>", `which of ${axes.join(", ")}, with commas`, parseAxes, ["latency", "energy"] as Axis[]),
  ).action(
    action(async (context, names: string[], options: ResultsOptions & { by: Axis[] }) => {
      const runs = namedRuns(context, names, options);
      const { front, left_out } = paretoFront(
        runs.flatMap((run) => run.results),
        options.by,
      );
      context.print({ by: options.by, front, left_out }, () =>
        [
          ...front.map(
            (record) =>
              `${record.target} ${record.model.name}: ${options.by.map((axis) => `${axis} ${shown(record, axis)}`).join(", ")}${simulatedMark(record.simulated)}`,
          ),
          ...simulatedText(simulatedParts(front)),
          `${left_out} left out (invalid, or without one of ${options.by.join(", ")})`,
        ].join("\n"),
      );
      return Exit.done;
    }),
  );

  withResults(
    group
      .command("drift")
      .description("figures of a run that left what earlier runs of the same fingerprint gave")
      .argument("<run>", "id, folder or file"),
  ).action(
    action(async (context, run: string, { results }: ResultsOptions) => {
      const found = guarded(() => findRun(run, results));
      const drifts = driftOf(found, runsOf(context, results));
      context.print({ run_id: found.run_id, drifts }, () =>
        drifts.length === 0 ? "no figure has moved" : drifts.map(driftText).join("\n"),
      );
      return drifts.length === 0 ? Exit.done : Exit.bad;
    }),
  );

  registerReplay(group);

  registerFiles(group);
}

/** Beside figures of which parts were simulated. */
function simulatedMark(parts: string[]): string {
  return parts.length === 0 ? "" : ` (simulated: ${parts.join(", ")})`;
}

function shown(record: Parameters<typeof paretoFront>[0][number], axis: Axis): string {
  if (axis === "latency") return `${short(record.latency_us?.p50 ?? 0)} us`;
  if (axis === "energy") return `${short(record.energy_uj_per_inference?.value ?? 0)} uJ`;
  if (axis === "memory") return `${short((record.memory_bytes?.peak ?? 0) / 1e6)} MB`;
  return short(record.accuracy?.value ?? 0);
}

/** `mltb results ...`, `mltb compare A B`, `mltb report RUN`. */
export function registerResults(program: Command): void {
  registerGroup(program);

  withResults(
    program
      .command("compare")
      .description("compare two runs; refused where their fingerprints differ, with the fields")
      .argument("<a>", "id, folder or file of a run")
      .argument("<b>", "the other")
      .option("--explain", "say in one line why they differ"),
  ).action(
    action(async (context, a: string, b: string, options: ResultsOptions & { explain?: boolean }) => {
      const [first, second] = guarded(() => [findRun(a, options.results), findRun(b, options.results)] as const);
      const comparison = compareRuns(first, second);
      const simulated = simulatedParts([...first.results, ...second.results]);
      const line = explain(comparison);
      const document = { ...comparison, simulated };
      context.print(options.explain === true ? { ...document, explanation: line } : document, () => {
        if (options.explain === true) return `${line}${simulatedMark(simulated)}`;
        const beside = comparison.circumstances.map(circumstanceText);
        if (!comparison.comparable)
          return [
            "not comparable:",
            ...comparison.differing.map(
              ({ field, a: x, b: y }) => `  ${field}: ${JSON.stringify(x)} | ${JSON.stringify(y)}`,
            ),
            ...beside.map((text) => `  ${text}`),
            ...simulatedText(simulated),
          ].join("\n");
        const rows = comparison.deltas.map((delta) => {
          const figures = `${short(delta.a)} -> ${short(delta.b)} (${movedBy(delta)})`;
          const mark = `${delta.significant ? " significant" : ""}${simulatedMark(delta.simulated)}`;
          return `${delta.target} ${delta.model} ${delta.figure}: ${figures}${mark}`;
        });
        return [...rows, ...beside, ...simulatedText(simulated)].join("\n");
      });
      return comparison.comparable ? Exit.done : Exit.refused;
    }),
  );

  withResults(
    program
      .command("report")
      .description("write the report of a run again, from its folder alone")
      .argument("<run>", "id, folder or file")
      .option("--out <file>", "where to write it (default: report.html in the run's folder)"),
  ).action(
    action(async (context, run: string, options: ResultsOptions & { out?: string }) => {
      const found = guarded(() => findRun(run, options.results));
      const html = guarded(() => reportOf(found.folder));
      const file = resolve(options.out ?? join(found.folder, "report.html"));
      const same = existsSync(file) && readFileSync(file, "utf8") === html;
      writeFileSync(file, html);
      context.print(
        { run_id: found.run_id, report: file, unchanged: same },
        () => `${file}${same ? " (unchanged)" : ""}`,
      );
      return Exit.done;
    }),
  );
}
