import { createHash } from "node:crypto";
import { lasted_s } from "./loadgen-conditions.ts";
import { scenarioNames, toAccuracyLogs } from "./loadgen-log.ts";
import type { ResultRecord, RunDocument } from "./record.ts";

/** A file of a submission by its path. */
export interface SubmissionFile {
  path: string;
  text: string;
}

/** As MLPerf's accuracy scripts print it, and its submission checker reads it. */
export function accuracyText({ correct, total, value }: NonNullable<ResultRecord["accuracy"]>): string {
  return `accuracy=${(100 * value).toFixed(3)}%, good=${correct}, total=${total}`;
}

/**
 * LoadGen's log of accuracy (`LogAccuracy` of loadgen/logging.cc): of every sample its place in the data set and the answer's bytes,
 * in hexadecimal digits. The answer is the class that the model named, as a number of 32 bits, little-endian.
 */
export function accuracyLog(classes: number[]): string {
  const entries = classes.map((named, i) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(named);
    return `{ "seq_id" : ${i}, "qsl_idx" : ${i}, "data" : "${bytes.toString("hex").toUpperCase()}" }`;
  });
  return `[\n${entries.join(",\n")}\n]\n`;
}

/**
 * The folder `accuracy` (`REQUIRED_ACC_FILES` of MLCommons' submission checker); without the classes that were named there is no
 * log of them, and no hash of it in `accuracy.txt`.
 */
export function accuracyFiles(
  folder: string,
  run: RunDocument,
  record: ResultRecord,
  accuracy: NonNullable<ResultRecord["accuracy"]>,
  classes: number[] | undefined,
): SubmissionFile[] {
  const { summary, detail } = toAccuracyLogs(run, record, accuracy.total);
  const log = classes === undefined ? undefined : accuracyLog(classes);
  const hash = log === undefined ? [] : [`hash=${createHash("sha256").update(log).digest("hex")}`];
  const whose = `Measured by MLTB (run ${run.run_id}), not by LoadGen.`;
  return [
    { path: `${folder}/accuracy.txt`, text: `${[accuracyText(accuracy), ...hash, whose].join("\n")}\n` },
    { path: `${folder}/mlperf_log_summary.txt`, text: summary },
    { path: `${folder}/mlperf_log_detail.txt`, text: detail },
    ...(log === undefined ? [] : [{ path: `${folder}/mlperf_log_accuracy.json`, text: log }]),
  ];
}

/** Fields of `measurements.json` (`SYSTEM_IMP_REQUIRED_FILES` of the checker); what a record does not tell is empty. */
function measurements({ model, fingerprint }: ResultRecord): Record<string, string> {
  const steps = fingerprint.fields["optimizations"];
  return {
    input_data_types: "",
    retraining: "",
    starting_weights_filename: `${model.name} (SHA-256 ${model.sha256})`,
    weight_data_types: "",
    weight_transformations: Array.isArray(steps) && steps.length > 0 ? steps.join("; ") : "none",
  };
}

/** Settings in the words of LoadGen's `user.conf`: `MODEL.SCENARIO.KEY = VALUE`, times in milliseconds. */
function userConf(record: ResultRecord): string {
  const { target_per_s, samples_per_query } = record.fingerprint.fields;
  const settings: [string, unknown][] = [
    ["min_duration", Math.floor(lasted_s(record) * 1000)],
    ["min_query_count", 1],
    ["samples_per_query", samples_per_query],
    ["target_qps", target_per_s],
    ["target_latency", record.latency_bound === undefined ? undefined : record.latency_bound.bound_us / 1000],
    ["sample_index_rng_seed", record.seed],
    ["schedule_rng_seed", record.seed],
  ];
  const scenario = scenarioNames[record.scenario];
  const lines = settings.flatMap(([key, value]) => (value === undefined ? [] : [`*.${scenario}.${key} = ${value}`]));
  return `# How MLTB measured, in the words of LoadGen, which did not run.\n${lines.join("\n")}\n`;
}

function readme(run: RunDocument, record: ResultRecord): string {
  const { target, model, runtime, scenario, warmup, windows, simulated } = record;
  return `# ${model.name} on ${target}, ${scenarioNames[scenario]}

Measured by MLTB (run ${run.run_id}), not by LoadGen: ${warmup} inferences of warm-up, ${windows.length} windows, ${runtime.name} ${runtime.version}.
${simulated.length === 0 ? "No part was simulated." : `Simulated: ${simulated.join(", ")}.`}
`;
}

/** What stands beside the logs of a scenario (`REQUIRED_MEASURE_FILES` of the checker, and its `measurements.json`). */
export function scenarioFiles(folder: string, run: RunDocument, record: ResultRecord): SubmissionFile[] {
  return [
    { path: `${folder}/measurements.json`, text: `${JSON.stringify(measurements(record), null, 2)}\n` },
    { path: `${folder}/user.conf`, text: userConf(record) },
    { path: `${folder}/README.md`, text: readme(run, record) },
  ];
}
