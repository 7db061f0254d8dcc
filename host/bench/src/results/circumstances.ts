import type { SeenEnvironment } from "./environment.ts";
import { figuresOf } from "./figures.ts";
import type { ResultRecord } from "./record.ts";

/** What two records of a measurement differ in beside figures that both have; it may be why those moved. */
export interface Circumstance {
  target: string;
  model: string;
  /** `verdict`, `warning`, a path of the record below `environment`, `network`, `model_folder`, or a figure that one of them lacks. */
  what: string;
  /** Null where the first has none of it; a verdict stands with its first reason. */
  a: unknown;
  b: unknown;
  /** Why a figure is missing. */
  why?: string;
}

type Found = Omit<Circumstance, "target" | "model">;

/** Differences that equal runs on a quiet machine have: load averages, and kelvins. */
const usual: Partial<Record<keyof SeenEnvironment, number>> = { load_1m: 0.5, temperature_c: 5 };

/** Verdicts that differ, or whose first reasons do. */
export function verdictsOf(a: ResultRecord, b: ResultRecord): Circumstance[] {
  const [x, y] = [a, b].map(({ verdict, reasons }) => ({ verdict, reason: reasons[0] ?? null }));
  return JSON.stringify(x) === JSON.stringify(y) ? [] : named(a, [{ what: "verdict", a: x, b: y }]);
}

/** Everything that two records of equal fingerprints differ in beside the figures that both have. */
export function circumstancesOf(a: ResultRecord, b: ResultRecord): Circumstance[] {
  const isolation = (["network", "model_folder"] as const).map((what): Found => {
    return { what, a: a[what] ?? null, b: b[what] ?? null };
  });
  return [
    ...verdictsOf(a, b),
    ...named(a, [
      ...environment(a, b),
      // Records of earlier versions tell nothing of the folder.
      ...isolation.filter(({ what, a: x, b: y }) => x !== y && (what === "network" || (x !== null && y !== null))),
      ...warningsOf(a, b).map((text) => ({ what: "warning", a: text, b: null })),
      ...warningsOf(b, a).map((text) => ({ what: "warning", a: null, b: text })),
      ...lacking(a, b),
      ...lacking(b, a).map(({ a: value, b: none, ...rest }) => ({ ...rest, a: none, b: value })),
    ]),
  ];
}

function named({ target, model }: ResultRecord, found: Found[]): Circumstance[] {
  return found.map((entry) => ({ target, model: model.name, ...entry }));
}

/** Figures of a record that another lacks. */
function lacking(record: ResultRecord, other: ResultRecord): Found[] {
  const known = new Set(figuresOf(other).map(({ name }) => name));
  return figuresOf(record)
    .filter(({ name }) => !known.has(name))
    .map(({ name, value }) => {
      const why = name.startsWith("energy") ? other.energy_refused : (other.reasons[0] ?? null);
      return { what: name, a: value, b: null, ...(why === null ? {} : { why }) };
    });
}

/** What both agents told of their environments and is not the same, each fact once. */
function environment({ environment: a }: ResultRecord, { environment: b }: ResultRecord): Found[] {
  if (a == null || b == null) return [];
  const keys = [...new Set(Object.keys({ ...a.before, ...b.before, ...a.after, ...b.after }))].sort();
  const facts = (keys as (keyof SeenEnvironment)[]).flatMap((key) => {
    const when = (["before", "after"] as const).find((time) => isOther(key, a[time][key], b[time][key]));
    return when === undefined ? [] : [{ what: `environment.${when}.${key}`, a: a[when][key], b: b[when][key] }];
  });
  const [x, y] = [a.requests_meanwhile, b.requests_meanwhile];
  const calls = x === null || y === null || x === y ? [] : [{ what: "environment.requests_meanwhile", a: x, b: y }];
  return [...facts, ...calls];
}

function isOther(key: keyof SeenEnvironment, a: unknown, b: unknown): boolean {
  if (a == null || b == null) return false;
  const step = usual[key];
  return step === undefined ? a !== b : Math.abs(Number(a) - Number(b)) > step;
}

/** Warnings of a record that another lacks; one that differs in its numbers alone is the same. */
function warningsOf({ warnings = [] }: ResultRecord, other: ResultRecord): string[] {
  const kind = (text: string): string => text.replace(/[\d.]+/g, "#");
  const known = new Set((other.warnings ?? []).map(kind));
  return warnings.filter((text) => !known.has(kind(text)));
}

/** A circumstance in words. */
export function circumstanceText({ target, model, what, a, b, why }: Circumstance): string {
  const of = `${target} ${model}`;
  if (what === "verdict") return `${of} is ${verdictText(a)} in the first and ${verdictText(b)} in the second`;
  const only = a === null ? "second" : "first";
  if (what === "warning") return `${of}: only the ${only} warns: ${a ?? b}`;
  if (a === null || b === null)
    return `${of}: ${what} is in the ${only} only${why === undefined ? "" : `, the other says: ${why}`}`;
  return `${of}: ${what} is ${a} in the first and ${b} in the second`;
}

function verdictText(of: unknown): string {
  const { verdict, reason } = of as { verdict: string; reason: string | null };
  return reason === null ? verdict : `${verdict} (${reason})`;
}
