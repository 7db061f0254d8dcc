/** A fault of a file: where, what, and the mend where one can be guessed. Lines and columns count from 1. */
export interface Fault {
  code: string;
  message: string;
  file: string;
  line: number;
  column: number;
  /** Path of the value, such as `racks.0.targets.1.channel`. */
  path: string;
  suggestion?: string;
}

/** Levenshtein distance, for names that were mistyped. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The candidate nearest to a mistyped name, or undefined where none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** `did you mean NAME?`, or the whole list where nothing is near. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  const list = [...candidates];
  const near = nearest(name, list);
  if (near !== undefined) return `did you mean ${near}?`;
  return list.length === 0 ? undefined : `one of ${list.join(", ")}`;
}
