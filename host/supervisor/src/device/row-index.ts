/** Rows that may be missing where an index has passed its highest value: 50 s at the highest rate. */
const ACROSS_ROWS = 1_000_000;

/** The index behind `rows` rows: indices have 32 bits, and what follows the highest is 0. */
export function indexAfter(first: number, rows: number): number {
  return (first + rows) >>> 0;
}

/** Rows between the index that was due and the one that came; undefined where the stream began anew. */
export function rowsMissing(first: number, due: number): number | undefined {
  if (first >= due) return first - due;
  const across = first + 2 ** 32 - due;
  return across < ACROSS_ROWS ? across : undefined;
}
