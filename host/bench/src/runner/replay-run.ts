import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { artifactFile } from "../results/artifacts.ts";
import { type Difference, differences } from "../results/differences.ts";
import type { RunDocument } from "../results/record.ts";
import { isResultsError, ResultsError } from "../results/results-error.ts";
import { finishRun, type Made, reportFile, resultFile } from "./finish-run.ts";
import { configurationFile, type Reread, readRecorded, recordedFile } from "./recorded.ts";

/** What came of making a run's document and report again. */
export interface Replay {
  run_id: string;
  /** Where they were made. */
  folder: string;
  /** Whether the bytes are those of the run's own; null where that has none. */
  byte_equal: { result: boolean | null; report: boolean | null };
  /** Files of the run that are not what was stored when it was measured. */
  changed: string[];
  /** Fields of the run's document, but for its records. */
  differing: Difference[];
  records: { target: string; model: string; differing: Difference[] }[];
}

/**
 * Makes a run's document and report again, by the code that made them, of what its folder has recorded: latencies, samples,
 * answers, environment, host, and the configuration by its hash. Neither board nor bay, models nor inputs are needed. `into` is
 * an empty folder, which then is the run once more; the run's own folder is only read. Throws `ResultsError` where something
 * that was recorded cannot be read.
 */
export function replayRun(folder: string, into: string, reread?: Reread): Replay {
  const changed = new Set<string>();
  const onChanged = (path: string): void => void changed.add(path);
  const { recorded } = readRecorded(folder, onChanged);
  mkdirSync(into, { recursive: true });
  for (const name of [recordedFile, configurationFile]) copyFileSync(join(folder, name), join(into, name));
  for (const { outcome } of recorded.measurements) {
    for (const artifact of "failure" in outcome ? [] : outcome.artifacts) {
      const from = artifactFile(folder, artifact);
      // What is not there is told by its reader.
      if (existsSync(from)) copyFileSync(from, artifactFile(into, artifact));
    }
  }
  const { run, made } = ofFolder(folder, into, () =>
    finishRun(into, reread === undefined ? { onChanged } : { onChanged, reread }),
  );
  const stored = storedRun(folder);
  const { results: ours, ...head } = run;
  const { results: theirs, ...storedHead } = stored ?? run;
  return {
    run_id: run.run_id,
    folder: into,
    byte_equal: { result: sameBytes(folder, into, resultFile), report: sameBytes(folder, into, reportFile) },
    changed: [...changed],
    differing: differences({ ...storedHead, results: theirs.length }, { ...head, results: ours.length }),
    records: ours.map((record, i) => ({
      target: record.target,
      model: record.model.name,
      differing: [...(i < theirs.length ? differences(theirs[i], record) : []), ...recordingDifferences(made[i])],
    })),
  };
}

/** What is wrong with a copy is wrong with the run's own file, and the copy may be gone when it is read. */
function ofFolder<T>(folder: string, copy: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!isResultsError(error)) throw error;
    throw new ResultsError(error.message.replaceAll(copy, folder), error.mend);
  }
}

/** What the samples say otherwise than the supervisor did. */
function recordingDifferences(made: Made | undefined): Difference[] {
  if (made?.told === undefined) return [];
  // A trace has thousands of points: that it differs is enough.
  const { trace: told, ...tellsMore } = made.told;
  const { trace: used, ...usesMore } = made.used ?? made.told;
  const trace = JSON.stringify(told) === JSON.stringify(used) ? [] : [{ field: "trace", stored: null, computed: null }];
  return [...differences(tellsMore, usesMore), ...trace].map((entry) => ({
    ...entry,
    field: `recording.${entry.field}`,
  }));
}

/** The run's document; undefined where there is none. One that cannot be read differs as a whole. */
function storedRun(folder: string): RunDocument | undefined {
  const file = join(folder, resultFile);
  if (!existsSync(file)) return undefined;
  try {
    const run = JSON.parse(readFileSync(file, "utf8")) as RunDocument | null;
    if (Array.isArray(run?.results)) return run;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { results: [] } as unknown as RunDocument;
}

function sameBytes(a: string, b: string, name: string): boolean | null {
  const stored = join(a, name);
  return existsSync(stored) ? readFileSync(stored).equals(readFileSync(join(b, name))) : null;
}
