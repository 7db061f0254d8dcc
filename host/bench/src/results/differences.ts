/** A value that is not what it was stored as. */
export interface Difference {
  /** Its place, such as `latency_us.p99` or `windows.0.energy_uj`. */
  field: string;
  stored: unknown;
  computed: unknown;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The places at which two JSON values differ, each as deep as it goes. */
export function differences(stored: unknown, computed: unknown, field = ""): Difference[] {
  if (!isTree(stored) || !isTree(computed) || Array.isArray(stored) !== Array.isArray(computed)) {
    if (JSON.stringify(stored) === JSON.stringify(computed)) return [];
    return [{ field, stored: stored ?? null, computed: computed ?? null }];
  }
  return [...new Set([...Object.keys(stored), ...Object.keys(computed)])].flatMap((key) =>
    differences(stored[key], computed[key], field === "" ? key : `${field}.${key}`),
  );
}
