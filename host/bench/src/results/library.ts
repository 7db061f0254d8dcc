import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import type { RecordingDocument } from "../runner/bay-api.ts";
import { readArtifact } from "./artifacts.ts";
import { formFaults, recordingForm, runForm } from "./form.ts";
import type { ResultRecord, RunDocument } from "./record.ts";
import { isResultsError, ResultsError } from "./results-error.ts";

/** Reads the document of a run from its file, or from its folder. The folder is where it lies now. */
export function readRun(path: string): RunDocument {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "result.json") : path;
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ResultsError(`${file}: no result could be read: ${(error as Error).message}`);
  }
  const run = document as RunDocument | null;
  if (run?.schema !== "mltb.run/1")
    throw new ResultsError(`${file}: schema mltb.run/1 is wanted, this is ${String(run?.schema)}`, mendOf(file));
  const faults = formFaults(runForm, run);
  if (faults !== undefined) throw new ResultsError(`${file} has not the form of a result: ${faults}`, mendOf(file));
  return { ...run, folder: dirname(resolve(file)) };
}

/** What helps where a result has the form of another version. */
function mendOf(file: string): string {
  const folder = dirname(file);
  return existsSync(join(folder, "recorded.json"))
    ? `mltb results replay ${folder} --out DIR makes it again of what the run recorded`
    : "an earlier version may have written it: read it with that one, or measure again";
}

/** Runs below a folder, the newest first; `broken` names folders whose result cannot be read. */
export function listRuns(folder: string): { runs: RunDocument[]; broken: string[] } {
  const runs: RunDocument[] = [];
  const broken: string[] = [];
  if (!existsSync(folder)) return { runs, broken };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || !existsSync(join(path, "result.json"))) continue;
    try {
      runs.push(readRun(path));
    } catch (error) {
      if (!isResultsError(error)) throw error;
      broken.push(error.message);
    }
  }
  runs.sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  return { runs, broken };
}

/** A run by the path of its file or folder, or by its id or the beginning of it below a folder. */
export function findRun(name: string, folder: string): RunDocument {
  if (existsSync(name)) return readRun(name);
  const { runs } = listRuns(folder);
  const found = runs.filter((run) => run.run_id.startsWith(name) || basename(run.folder) === name);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) throw new ResultsError(`${name} names ${found.length} runs in ${folder}`);
  const near = runs.slice(0, 5).map((run) => run.run_id);
  throw new ResultsError(
    `no run ${name} in ${resolve(folder)}${near.length === 0 ? "" : `; the newest are ${near.join(", ")}`}`,
  );
}

/** The recording of a record from the run's folder; undefined where it has none. Throws where it is not the one that was measured. */
export function readTrace(
  folder: string,
  { artifacts }: Pick<ResultRecord, "artifacts">,
): RecordingDocument | undefined {
  const bytes = readArtifact(folder, artifacts, "trace");
  return bytes === undefined ? undefined : decodeTrace(bytes, `the recording in ${folder}`);
}

/** The recording in the bytes of a trace. Throws `ResultsError` where it lacks what a record is made of. */
export function decodeTrace(bytes: Uint8Array, name = "the recording"): RecordingDocument {
  const recording = JSON.parse(gunzipSync(bytes).toString("utf8")) as RecordingDocument;
  const faults = formFaults(recordingForm, recording);
  if (faults !== undefined) throw new ResultsError(`${name} has another form: ${faults}`);
  return recording;
}
