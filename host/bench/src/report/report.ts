import { readRun, readTrace } from "../results/library.ts";
import type { ResultRecord } from "../results/record.ts";
import type { RecordingDocument } from "../runner/bay-api.ts";
import { renderReport } from "./html.ts";

/** The report of a run, from its folder alone: the same bytes whenever and wherever it is made. */
export function reportOf(path: string): string {
  const run = readRun(path);
  const traces = new Map<ResultRecord, RecordingDocument>();
  for (const record of run.results) {
    const trace = readTrace(run.folder, record);
    if (trace !== undefined) traces.set(record, trace);
  }
  return renderReport(run, traces);
}
