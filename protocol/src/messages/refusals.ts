/** Codes of `refusal`. */
export const Refusal = {
  unknown_message: 1,
  malformed: 2,
  bad_check: 3,
  bad_channel: 4,
  bad_value: 5,
  not_capable: 6,
  fault_latched: 7,
  not_on: 8,
  busy: 9,
  internal: 10,
  local_only: 11,
  interlocked: 12,
  over_budget: 13,
  not_stored: 14,
} as const;

/** Name of a refusal code, or `refusal` where it is unknown (a newer board). */
export function refusalName(code: number): string {
  const codes: Record<string, number> = Refusal;
  for (const name in codes) if (codes[name] === code) return name;
  return "refusal";
}
