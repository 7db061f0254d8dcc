import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunDocument } from "../results/record.ts";
import { readRecorded, recordedFile } from "./recorded.ts";

/**
 * Classes that a model named for the records of the data set, of a result of a run by its index, from what the run recorded; undefined
 * where it recorded none. Throws `ResultsError` where that cannot be read.
 */
export function namedClasses({ folder }: RunDocument, result: number): number[] | undefined {
  if (!existsSync(join(folder, recordedFile))) return undefined;
  const outcome = readRecorded(folder).recorded.measurements[result]?.outcome;
  if (outcome === undefined || "failure" in outcome) return undefined;
  const { answers } = outcome;
  return answers == null || "refused" in answers ? undefined : answers.predicted;
}
