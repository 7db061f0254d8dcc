import { scenarioNames, toMlperf } from "./export.ts";
import { systemDescription } from "./mlperf-system.ts";
import type { ResultRecord, RunDocument } from "./record.ts";

/** Whose results they are; both name folders. */
export interface Submission {
  division: string;
  submitter: string;
}

/** Files of a submission by their paths below its root, and what has no place in it. */
export interface Layout {
  files: { path: string; text: string }[];
  left_out: string[];
}

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

/**
 * Runs as MLPerf Inference lays a submission out (mlcommons/inference, tools/submission/submission_structure.md):
 * `DIVISION/SUBMITTER/results/SYSTEM/BENCHMARK/SCENARIO/performance/run_N`, `accuracy` beside it, `systems/SYSTEM.json`. Measurements of
 * one model with one data set on one system are `run_1`, `run_2` in their order; another model or system of the name is `NAME_2`. A
 * scenario has one accuracy: another one of a later run is left out, and so is what measured nothing; both are named.
 */
export function mlperfLayout(runs: RunDocument[], submission: Submission): Layout {
  const files: Layout["files"] = [];
  const left_out: string[] = [];
  const systems = new Ids();
  const benchmarks = new Map<string, Ids>();
  const repeats = new Map<string, number>();
  const accuracies = new Map<string, string>();
  const root = `${submission.division}/${submission.submitter}`;
  const ordered = [...runs].sort((a, b) => a.started_at.localeCompare(b.started_at));
  for (const [run, record] of ordered.flatMap((run) => run.results.map((entry) => [run, entry] as const))) {
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
    const { summary, detail } = toMlperf(run, record);
    files.push({ path: `${scenario}/performance/run_${n}/mlperf_log_summary.txt`, text: summary });
    files.push({ path: `${scenario}/performance/run_${n}/mlperf_log_detail.txt`, text: detail });
    const accuracy = accuracyText(record);
    if (accuracy === undefined) continue;
    const first = accuracies.get(scenario);
    if (first === undefined) {
      accuracies.set(scenario, accuracy);
      const whose = `Measured by MLTB (run ${run.run_id}), not by LoadGen.`;
      files.push({ path: `${scenario}/accuracy/accuracy.txt`, text: `${accuracy}\n${whose}\n` });
    } else if (first !== accuracy) left_out.push(`${scenario}: run ${run.run_id} has another accuracy: ${accuracy}`);
  }
  return { files, left_out };
}

/** As MLPerf's accuracy scripts print it, and its submission checker reads it. */
function accuracyText({ accuracy }: ResultRecord): string | undefined {
  if (accuracy === null) return undefined;
  const { correct, total, value } = accuracy;
  return `accuracy=${(100 * value).toFixed(3)}%, good=${correct}, total=${total}`;
}
