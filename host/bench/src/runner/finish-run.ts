import { join } from "node:path";
import type { Experiment } from "../configurator/types.ts";
import { renderReport } from "../report/html.ts";
import type { ResultRecord, RunDocument } from "../results/record.ts";
import { ResultsError } from "../results/results-error.ts";
import type { RecordingDocument } from "./bay-api.ts";
import { type Recorded, type Restoring, readRecorded, recordedFile, restoreOutcome } from "./recorded.ts";
import { toRecord } from "./to-record.ts";
import { writeWhole } from "./write-whole.ts";

export const resultFile = "result.json";
export const reportFile = "report.html";

/** A record made of what was recorded, with the recording as the supervisor told it and as it was used. */
export interface Made {
  record: ResultRecord;
  told?: RecordingDocument;
  used?: RecordingDocument;
}

function make(folder: string, experiments: Experiment[], recorded: Recorded, restoring: Restoring): Made {
  const experiment = experiments[recorded.experiment];
  if (experiment === undefined)
    throw new ResultsError(`${join(folder, recordedFile)}: the configuration has no experiment ${recorded.experiment}`);
  if ("failure" in recorded.outcome) return { record: toRecord(experiment, recorded, recorded.outcome) };
  const { outcome, told } = restoreOutcome(folder, recorded.outcome, restoring);
  const record = toRecord(experiment, recorded, outcome);
  record.artifacts.push(...recorded.outcome.artifacts);
  return { record, told, used: outcome.recording };
}

/**
 * Makes a run's document and report of what lies in its folder, and of nothing else, and writes them there: at the end of a run,
 * and whenever it is replayed. Throws `ResultsError`.
 */
export function finishRun(folder: string, restoring: Restoring = {}): { run: RunDocument; made: Made[] } {
  const { recorded, experiments, sha256 } = readRecorded(folder, restoring.onChanged);
  const { measurements, schema: _, ...head } = recorded;
  const made = measurements.map((measurement) => make(folder, experiments, measurement, restoring));
  const results = made.map(({ record }) => record);
  const document: RunDocument = { schema: "mltb.run/1", ...head, recorded: { path: recordedFile, sha256 }, results };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  writeWhole(join(folder, resultFile), text);
  // As everybody reads it who has the file alone.
  const run = JSON.parse(text) as RunDocument;
  const recordings = new Map<ResultRecord, RecordingDocument>();
  for (const [i, record] of run.results.entries()) {
    const used = made[i]?.used;
    if (used !== undefined) recordings.set(record, used);
  }
  writeWhole(join(folder, reportFile), renderReport(run, recordings));
  return { run, made };
}
