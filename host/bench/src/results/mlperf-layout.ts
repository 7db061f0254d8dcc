import { scenarioNames, toMlperf } from "./loadgen-log.ts";
import { accuracyFiles, accuracyText, type SubmissionFile, scenarioFiles } from "./mlperf-scenario.ts";
import { systemDescription } from "./mlperf-system.ts";
import type { RunDocument } from "./record.ts";

/** Whose results they are; both name folders. */
export interface Submission {
  division: string;
  submitter: string;
}

/** Files of a submission by their paths below its root, and what has no place in it. */
export interface Layout {
  files: SubmissionFile[];
  left_out: string[];
}

/** Classes that a model named for the records of its data set, of a result of a run; undefined where they were not kept. */
export type ClassesOf = (run: RunDocument, result: number) => number[] | undefined;

/** Gives every text an id that begins with a name, the same one to the same text. */
class Ids {
  readonly #given = new Map<string, Map<string, string>>();
  readonly #taken = new Set<string>();

  of(name: string, text: string): string {
    // Records may be another's: their names lead nowhere else.
    const safe = name.replace(/[^A-Za-z0-9_.-]/g, "_").replace(/^\.+/, "_");
    const known = this.#given.get(safe) ?? new Map<string, string>();
    this.#given.set(safe, known);
    const before = known.get(text);
    if (before !== undefined) return before;
    let id = safe;
    for (let n = 2; this.#taken.has(id); n += 1) id = `${safe}_${n}`;
    this.#taken.add(id);
    known.set(text, id);
    return id;
  }
}

/** The checker wants the code of a submission below its root (`SRC_PATH`). */
const source = `# Source

These results were measured by MLTB, not by LoadGen. Each scenario's README.md names its run.
`;

/**
 * Runs as MLPerf Inference lays a submission out (mlcommons/inference, tools/submission/submission_structure.md, and the paths that
 * its submission checker of v6.0 and v6.1 reads): `DIVISION/SUBMITTER/results/SYSTEM/BENCHMARK/SCENARIO/performance/run_N`,
 * `accuracy` beside it, `systems/SYSTEM.json`. Measurements of one model with one data set on one system are `run_1`, `run_2` in
 * their order; another model or system of the name is `NAME_2`. A scenario has one accuracy: another one of a later run is left
 * out, and so is what measured nothing; both are named, and so is a scenario without accuracy.
 */
export function mlperfLayout(
  runs: RunDocument[],
  submission: Submission,
  classesOf: ClassesOf = () => undefined,
): Layout {
  const files: Layout["files"] = [];
  const left_out: string[] = [];
  const systems = new Ids();
  const benchmarks = new Map<string, Ids>();
  const repeats = new Map<string, number>();
  const accuracies = new Map<string, string>();
  const root = `${submission.division}/${submission.submitter}`;
  const ordered = [...runs].sort((a, b) => a.started_at.localeCompare(b.started_at));
  for (const [run, record, result] of ordered.flatMap((run) =>
    run.results.map((entry, i) => [run, entry, i] as const),
  )) {
    if (record.latency_us === null) {
      const why = record.reasons[0] ?? "no reason is told";
      left_out.push(`${record.target} ${record.model.name} of run ${run.run_id}: nothing was measured: ${why}`);
      continue;
    }
    const description = `${JSON.stringify(systemDescription(record, submission), null, 2)}\n`;
    const system = systems.of(record.target, description);
    const named = benchmarks.get(system);
    const ids = named ?? new Ids();
    benchmarks.set(system, ids);
    if (named === undefined) files.push({ path: `${root}/systems/${system}.json`, text: description });
    const { optimizations, dataset } = record.fingerprint.fields;
    const benchmark = ids.of(record.model.name, JSON.stringify([record.model.sha256, optimizations, dataset]));
    const scenario = `${root}/results/${system}/${benchmark}/${scenarioNames[record.scenario]}`;
    const n = (repeats.get(scenario) ?? 0) + 1;
    repeats.set(scenario, n);
    if (n === 1) files.push(...scenarioFiles(scenario, run, record));
    const { summary, detail } = toMlperf(run, record);
    files.push({ path: `${scenario}/performance/run_${n}/mlperf_log_summary.txt`, text: summary });
    files.push({ path: `${scenario}/performance/run_${n}/mlperf_log_detail.txt`, text: detail });
    if (record.accuracy === null) continue;
    const accuracy = accuracyText(record.accuracy);
    const first = accuracies.get(scenario);
    if (first === undefined) {
      accuracies.set(scenario, accuracy);
      const classes = classesOf(run, result);
      if (classes === undefined)
        left_out.push(`${scenario}/accuracy/mlperf_log_accuracy.json: run ${run.run_id} kept no classes`);
      files.push(...accuracyFiles(`${scenario}/accuracy`, run, record, record.accuracy, classes));
    } else if (first !== accuracy) left_out.push(`${scenario}: run ${run.run_id} has another accuracy: ${accuracy}`);
  }
  for (const scenario of repeats.keys())
    if (!accuracies.has(scenario)) left_out.push(`${scenario}/accuracy: no accuracy was measured`);
  if (files.length > 0) files.push({ path: `${root}/src/README.md`, text: source });
  return { files, left_out };
}
