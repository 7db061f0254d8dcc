import { type Circumstance, circumstancesOf, circumstanceText, verdictsOf } from "./circumstances.ts";
import { differs, figuresOf } from "./figures.ts";
import type { ResultRecord, RunDocument } from "./record.ts";

/** A field of the fingerprint in which two results differ. */
export interface Differing {
  field: string;
  a: unknown;
  b: unknown;
}

/** A figure of both results. `significant`: they differ by more than their uncertainty, or than equal runs do (`figures.ts`). */
export interface Delta {
  target: string;
  model: string;
  figure: string;
  a: number;
  b: number;
  /** b / a. */
  ratio: number;
  /** Parts that were simulated in either. */
  simulated: string[];
  significant: boolean;
}

export interface Comparison {
  comparable: boolean;
  differing: Differing[];
  deltas: Delta[];
  /** What else the records differ in; only verdicts where they are not comparable. */
  circumstances: Circumstance[];
}

/** Fields of two fingerprints that are not equal, in alphabetical order. */
export function differingFields(a: ResultRecord, b: ResultRecord): Differing[] {
  const [x, y] = [a.fingerprint.fields, b.fingerprint.fields];
  return [...new Set([...Object.keys(x), ...Object.keys(y)])]
    .sort()
    .filter((field) => JSON.stringify(x[field]) !== JSON.stringify(y[field]))
    .map((field) => ({ field, a: x[field] ?? null, b: y[field] ?? null }));
}

function deltas(a: ResultRecord, b: ResultRecord): Delta[] {
  const others = new Map(figuresOf(b).map((figure) => [figure.name, figure]));
  return figuresOf(a).flatMap((figure) => {
    const other = others.get(figure.name);
    if (other === undefined) return [];
    return {
      target: a.target,
      model: a.model.name,
      figure: figure.name,
      a: figure.value,
      b: other.value,
      ratio: other.value / figure.value,
      simulated: [...new Set([...a.simulated, ...b.simulated])],
      significant: differs(figure, other),
    };
  });
}

/** Compares two records. Deltas are given only where every fact that decides a result is equal. */
export function compareRecords(a: ResultRecord, b: ResultRecord): Comparison {
  const differing = differingFields(a, b);
  return differing.length > 0
    ? { comparable: false, differing, deltas: [], circumstances: verdictsOf(a, b) }
    : { comparable: true, differing: [], deltas: deltas(a, b), circumstances: circumstancesOf(a, b) };
}

/**
 * Compares two runs, record by record of equal target and model, those of one fingerprint first; a single record on each side is compared whatever it is of.
 * Records without a partner make the runs not comparable.
 */
export function compareRuns(a: RunDocument, b: RunDocument): Comparison {
  if (a.results.length === 1 && b.results.length === 1)
    return compareRecords(a.results[0] as ResultRecord, b.results[0] as ResultRecord);
  const key = (record: ResultRecord): string => `${record.target} ${record.model.name}`;
  const partners = [...b.results];
  /** Several experiments of one target and model are told apart by what they measured, and else by their order. */
  const partnerOf = (record: ResultRecord): ResultRecord | undefined => {
    const same = (other: ResultRecord): boolean => other.fingerprint.hash === record.fingerprint.hash;
    const named = partners.filter((other) => key(other) === key(record));
    // One that is the same measurement as another record of the first run is left to that.
    const free = named.find(
      (other) => !a.results.some(({ fingerprint }) => fingerprint.hash === other.fingerprint.hash),
    );
    const partner = named.find(same) ?? free ?? named[0];
    if (partner !== undefined) partners.splice(partners.indexOf(partner), 1);
    return partner;
  };
  const all: Comparison = { comparable: true, differing: [], deltas: [], circumstances: [] };
  const missing = (field: string, x: unknown, y: unknown): void => {
    all.differing.push({ field, a: x, b: y });
  };
  for (const record of a.results) {
    const partner = partnerOf(record);
    if (partner === undefined) {
      missing(key(record), record.fingerprint.hash, null);
      continue;
    }
    const pair = compareRecords(record, partner);
    all.differing.push(...pair.differing.map((entry) => ({ ...entry, field: `${key(record)}: ${entry.field}` })));
    all.deltas.push(...pair.deltas);
    all.circumstances.push(...pair.circumstances);
  }
  for (const record of partners) missing(key(record), null, record.fingerprint.hash);
  all.comparable = all.differing.length === 0;
  if (all.comparable) return all;
  return { ...all, deltas: [], circumstances: all.circumstances.filter(({ what }) => what === "verdict") };
}

/** One line that says why two results differ, or that they do not. */
export function explain({ comparable, differing, deltas: all, circumstances }: Comparison): string {
  const beside = circumstances.map(circumstanceText);
  if (!comparable) return `not the same measurement: ${listed([...beside, ...differing.map(difference)])}`;
  const real = all.filter((delta) => delta.significant);
  const same = "the same measurement, and no figure differs by more than its uncertainty";
  if (real.length === 0) return beside.length === 0 ? same : `${same}; ${listed(beside)}`;
  const worst = real.sort((x, y) => Math.abs(Math.log(y.ratio)) - Math.abs(Math.log(x.ratio)))[0] as Delta;
  const more = real.length === 1 ? "" : ` (and ${real.length - 1} more)`;
  const why = beside.length === 0 ? "what changed is not in the record" : listed(beside);
  return `the same measurement, but ${worst.figure} of ${worst.model} on ${worst.target} ${movedBy(worst)}, more than its uncertainty${more}: ${why}`;
}

/** The first few of some phrases, in a line, and how many more there are. */
function listed(phrases: string[]): string {
  const more = phrases.length > 4 ? ` and ${phrases.length - 4} more` : "";
  const line = phrases.slice(0, 4).join("; ");
  return `${line.replaceAll(/\s*\n\s*/g, " ")}${more}`;
}

/** How far a figure moved, in words. */
export function movedBy({ a, b, ratio }: Pick<Delta, "a" | "b" | "ratio">): string {
  return a === 0 ? `moved from 0 to ${b}` : `moved by ${((ratio - 1) * 100).toFixed(1)} %`;
}

/** `TARGET MODEL`, as the field of a record without a partner has it. */
const ALONE = /^\S+ \S+$/;

function difference({ field, a, b }: Differing): string {
  if (ALONE.test(field)) return `${field} was measured in the ${b === null ? "first" : "second"} only`;
  if (isRecord(a) && isRecord(b)) {
    const parts = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((k) => text(a[k]) !== text(b[k]));
    return parts.map((k) => difference({ field: `${field}.${k}`, a: a[k] ?? null, b: b[k] ?? null })).join(", ");
  }
  return `${field} is ${text(a)} in one and ${text(b)} in the other`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  const shown = JSON.stringify(value) ?? "nothing";
  return shown.length > 40 ? `${shown.slice(0, 37)}...` : shown;
}
