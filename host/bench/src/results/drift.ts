import { compareRecords, type Delta, movedBy } from "./compare.ts";
import type { ResultRecord, RunDocument } from "./record.ts";

/** A figure that moved by more than its uncertainty drifts where it is further away than this share, too. */
const THRESHOLD = 0.05;

/** A figure of a run that left what earlier runs of the same fingerprint gave. */
export interface Drift extends Delta {
  /** The run that it is held against. */
  against: string;
}

/**
 * Figures of a run that moved against the newest earlier run with a record of the same fingerprint. Results that are not valid
 * tell nothing and are passed over.
 */
export function driftOf(run: RunDocument, earlier: RunDocument[]): Drift[] {
  const sorted = earlier
    .filter((other) => other.run_id !== run.run_id && other.started_at < run.started_at)
    .sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  return run.results.filter(sound).flatMap((record) => {
    for (const other of sorted) {
      const same = other.results.filter((entry) => entry.fingerprint.hash === record.fingerprint.hash && sound(entry));
      // One file under two names has one fingerprint: the same name comes first.
      const before = same.find((entry) => entry.model.name === record.model.name) ?? same[0];
      if (before === undefined) continue;
      return compareRecords(before, record)
        .deltas.filter((delta) => delta.significant && isFar(delta))
        .map((delta) => ({ ...delta, model: record.model.name, against: other.run_id }));
    }
    return [];
  });
}

/** The same share whether a figure grew or shrank. */
function isFar({ a, b }: Delta): boolean {
  return Math.abs(a - b) > THRESHOLD * Math.min(Math.abs(a), Math.abs(b));
}

function sound(record: ResultRecord): boolean {
  return record.verdict === "valid" || record.verdict === "valid-short";
}

export function driftText(drift: Drift): string {
  const simulated = drift.simulated.length === 0 ? "" : ` (simulated: ${drift.simulated.join(", ")})`;
  return `${drift.target} ${drift.model}: ${drift.figure} ${movedBy(drift)} against run ${drift.against} of the same fingerprint${simulated}`;
}
