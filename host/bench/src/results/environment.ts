/** What may have changed how fast the target was, as its agent saw it; what it did not tell is missing. */
export interface SeenEnvironment {
  governor?: string;
  /** Limits of the frequencies, and whether boost is on. */
  clock?: string;
  power_mode?: string;
  load_1m?: number;
  cores?: number;
  temperature_c?: number;
  allowed_cpus?: string;
  /** Model and stepping. */
  processor?: string;
  memory_bytes?: number;
  board?: string;
  os?: string;
  kernel?: string;
  cooling?: string;
  /** What runs the runtime's own code, with its versions. */
  engine?: string;
}

/** Hotter than this, most processors are slowed down or near it. */
const HOT_C = 85;
/** A rise that says that the target was not in thermal balance. */
const WARMED_C = 10;

/** Processors of a list as the kernel writes it: `0-3,8`. */
function countCpus(list: string): number {
  return list
    .split(",")
    .map((part) => part.split("-").map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

/** What the bay saw inside of windows that casts doubt on figures. */
export function boardWarnings(requests_inside = 0): string[] {
  if (requests_inside === 0) return [];
  return [
    `${requests_inside} requests or presses of buttons reached the monitoring board inside windows: answering costs it time`,
  ];
}

/** What of the environment casts doubt on figures, in words for the reader of a result. `threads`: those that were measured. */
export function environmentWarnings(
  before: SeenEnvironment,
  after: SeenEnvironment,
  requests_meanwhile: number | null,
  threads: number,
): string[] {
  const warnings: string[] = [];
  if (requests_meanwhile !== null && requests_meanwhile > 0)
    warnings.push(
      `${requests_meanwhile} calls reached the agent while it measured: answering them costs the target time`,
    );
  const { governor, cores = 1, load_1m = 0, allowed_cpus } = before;
  if (governor !== undefined && governor !== "performance")
    warnings.push(`frequency governor ${governor}: the clock may change; performance keeps it`);
  if (allowed_cpus !== undefined && cores > 1 && countCpus(allowed_cpus) >= cores)
    warnings.push(`not pinned: the scheduler may move it between ${cores} cores; taskset keeps it on some`);
  if (load_1m > cores * 0.5)
    warnings.push(
      `load ${load_1m.toFixed(2)} on ${cores} cores before the first window: other work takes the processor`,
    );
  // What was measured adds its threads at most.
  const others = (after.load_1m ?? 0) - threads;
  if (others > cores * 0.5 && load_1m <= cores * 0.5)
    warnings.push(
      `load ${after.load_1m?.toFixed(2)} on ${cores} cores after the last window, ${threads} of it measured: other work took the processor`,
    );
  const { temperature_c: hot } = after;
  if (hot !== undefined && hot > HOT_C)
    warnings.push(`${hot.toFixed(0)} degrees Celsius: the processor may be slowed down`);
  if (hot !== undefined && before.temperature_c !== undefined && hot - before.temperature_c > WARMED_C)
    warnings.push(
      `it warmed by ${(hot - before.temperature_c).toFixed(0)} K while it was measured: a longer warm-up helps`,
    );
  return warnings;
}
