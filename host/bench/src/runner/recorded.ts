import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Experiment } from "../configurator/types.ts";
import { type Artifact, artifactFile, artifactOf, readArtifact, storeArtifact } from "../results/artifacts.ts";
import { formFaults } from "../results/form.ts";
import { decodeLatencies, encodeLatencies } from "../results/latency-file.ts";
import { decodeTrace } from "../results/library.ts";
import { type NotSafe, sha256 } from "../results/record.ts";
import { ResultsError } from "../results/results-error.ts";
import type { Measured, MeasuredWindow } from "./agent-client.ts";
import type { RecordingDocument } from "./bay-api.ts";
import type { ModelOutcome } from "./measure-model.ts";
import { configurationForm, recordedForm } from "./recorded-form.ts";
import type { RecordFacts } from "./to-record.ts";

export const recordedFile = "recorded.json";
export const configurationFile = "configuration.json";

type WindowHead = Omit<MeasuredWindow, "latency_us">;

/** A measurement as the journal and the run's folder have it: what is large lies in its artefacts. */
interface KeptOutcome extends Pick<ModelOutcome, "answers" | "numerical"> {
  measured: Omit<Measured, "windows"> & { windows: WindowHead[] };
  artifacts: Artifact[];
}

/** All that a record is made of, beside the configuration of its run. */
export interface Recorded extends RecordFacts {
  /** Index of its experiment in the configuration. */
  experiment: number;
  outcome: KeptOutcome | { failure: string };
}

/** All that the document and the report of a run are made of: `recorded.json` in its folder. */
export interface RecordedRun {
  schema: "mltb.recorded/1";
  run_id: string;
  experiment: string;
  started_at: string;
  ended_at: string;
  /** Where it lay when it ended. */
  folder: string;
  /** SHA-256 of `configuration.json`, by which the journal knows it too. */
  configuration: string;
  /** Runs of earlier versions lack these two. */
  not_safe?: NotSafe[];
  cancelled?: { reason: string; author: string } | null;
  measurements: Recorded[];
}

/** What helps where a run was recorded in a form that is not today's. */
const OTHER_FORM =
  "an earlier version may have made it: replay it with that version, or measure again; list, show, report and compare read its result.json";

/** The windows of a recording and what belongs to them, computed from the samples that the board sent. */
export type Reread = (file: string) => Pick<RecordingDocument, "rate_hz" | "samples" | "markers" | "trace" | "windows">;

/** Where a measurement is read from, and how. */
export interface Restoring {
  /** Told of files that are not what was stored; without it they are refused. */
  onChanged?(path: string): void;
  /** Without it the recording is what the supervisor computed. */
  reread?: Reread;
}

/** Stores what is large of a measurement in the run's folder. */
export function keepOutcome(folder: string, facts: RecordFacts, outcome: ModelOutcome): KeptOutcome {
  const { measured, recording, samples, answers, numerical } = outcome;
  const of = { target: facts.target, model: facts.model.name };
  const artifacts = [
    storeArtifact(folder, "trace", of, gzipSync(JSON.stringify(recording))),
    storeArtifact(folder, "latencies", of, encodeLatencies(measured.windows.map(({ latency_us }) => latency_us))),
    ...(samples === undefined ? [] : [storeArtifact(folder, "samples", of, samples)]),
  ];
  const windows = measured.windows.map(({ latency_us: _, ...head }) => head);
  return { measured: { ...measured, windows }, answers, numerical, artifacts };
}

/** A measurement again; `told` is its recording as the supervisor handed it over. Throws `ResultsError` with the file at fault. */
export function restoreOutcome(
  folder: string,
  kept: KeptOutcome,
  { onChanged, reread }: Restoring,
): { outcome: ModelOutcome; told: RecordingDocument } {
  const { artifacts, measured, answers, numerical } = kept;
  const read = <T>(kind: "trace" | "latencies", decode: (bytes: Uint8Array) => T): T => {
    const bytes = readArtifact(folder, artifacts, kind, onChanged);
    const name = artifactOf(artifacts, kind)?.path ?? kind;
    if (bytes === undefined) throw new ResultsError(`${name} is not in ${folder}: without it nothing can be rebuilt`);
    return reading(join(folder, name), () => decode(bytes));
  };
  const told = read("trace", decodeTrace);
  const latencies = read("latencies", decodeLatencies);
  const recording = { ...told, ...fromSamples(folder, artifacts, { onChanged, reread }) };
  const windows = measured.windows.map((head, i) => ({ ...head, latency_us: latencies[i] ?? new Float64Array(0) }));
  return { told, outcome: { measured: { ...measured, windows }, recording, answers, numerical } };
}

/** The part of a recording that its samples tell; empty where none are kept or nobody can read them. */
function fromSamples(
  folder: string,
  artifacts: Artifact[],
  { onChanged, reread }: Restoring,
): Partial<RecordingDocument> {
  const samples = artifactOf(artifacts, "samples");
  if (samples === undefined || reread === undefined) return {};
  if (readArtifact(folder, artifacts, "samples", onChanged) === undefined)
    throw new ResultsError(`${samples.path} is not in ${folder}: without it the energies cannot be computed again`);
  const file = artifactFile(folder, samples);
  // As the supervisor's answer came: through JSON.
  return reading(file, () => JSON.parse(JSON.stringify(reread(file))) as Partial<RecordingDocument>);
}

/** What a file is wrong with is said with its name. */
function reading<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw new ResultsError(`${file} cannot be read: ${(error as Error).message}`, OTHER_FORM);
  }
}

/** Writes what a run recorded and its configuration into the run's folder. */
export function writeRecorded(run: Omit<RecordedRun, "schema">, experiments: Experiment[]): void {
  const document: RecordedRun = { schema: "mltb.recorded/1", ...run };
  // These bytes and no others have the hash under which the journal keeps them.
  writeFileSync(join(run.folder, configurationFile), JSON.stringify(experiments));
  writeFileSync(join(run.folder, recordedFile), `${JSON.stringify(document, null, 2)}\n`);
}

/** What a run recorded, from its folder alone. Throws `ResultsError`. */
export function readRecorded(
  folder: string,
  onChanged?: (path: string) => void,
): { recorded: RecordedRun; experiments: Experiment[]; sha256: string } {
  const [file, configuration] = [recordedFile, configurationFile].map((name) => join(folder, name)) as [string, string];
  const missing = [file, configuration].find((path) => !existsSync(path));
  if (missing !== undefined)
    throw new ResultsError(
      `there is no ${missing}: the run was not ended, or made by a version that kept less`,
      OTHER_FORM,
    );
  const text = readFileSync(file);
  const recorded = reading(file, () => JSON.parse(text.toString("utf8")) as RecordedRun);
  const faults = formFaults(recordedForm, recorded);
  if (faults !== undefined) throw new ResultsError(`${file} is not what a run recorded: ${faults}`, OTHER_FORM);
  const bytes = readFileSync(configuration);
  if (sha256(bytes) !== recorded.configuration) {
    if (onChanged === undefined)
      throw new ResultsError(`${configuration} was changed: its SHA-256 is not the one of the run`);
    onChanged(configurationFile);
  }
  const experiments = reading(configuration, () => JSON.parse(bytes.toString("utf8")) as Experiment[]);
  const wrong = formFaults(configurationForm, experiments);
  if (wrong !== undefined) throw new ResultsError(`${configuration} is no configuration: ${wrong}`, OTHER_FORM);
  return { recorded, experiments, sha256: sha256(text) };
}
