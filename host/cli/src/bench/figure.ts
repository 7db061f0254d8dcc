/** One row of the benchmark table. Machine-independent counts stand beside times. */
export interface Figure {
  benchmark: string;
  quantity: string;
  /** Null, like `low` and `high`, when it could not be measured here; `reason` says why. */
  median: number | null;
  low: number | null;
  high: number | null;
  unit: string;
  runs: number;
  /** What does not depend on the machine, such as bytes per frame. */
  count?: string;
  reason?: string;
}

export interface Benchmark {
  name: string;
  about: string;
  run(): Promise<Figure[]>;
}

/** Median, lowest and highest of repeated measurements. */
export function spread(values: number[]): { median: number; low: number; high: number; runs: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const pick = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: pick(sorted.length >> 1), low: pick(0), high: pick(sorted.length - 1), runs: sorted.length };
}

/** Processor time of this process, all its threads: what others run on the machine is not in it. */
function cpu_ms(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Shortest work that is timed: a few steps of the scheduler's clock would be noise. */
const WORK_MS = 50;

/** Repeats `work` for a while; how often a second of processor time it gets `units` units done. */
export function perCpuSecond(units: number, work: () => void): number {
  const started = cpu_ms();
  let times = 0;
  let spent = 0;
  while (spent < WORK_MS) {
    work();
    times += 1;
    spent = cpu_ms() - started;
  }
  return (units * times * 1000) / spent;
}

/** A row that this machine cannot fill for want of Debian packages. */
export function unmeasured(benchmark: string, quantity: string, unit: string, packages: string[]): Figure {
  const reason = `needs apt-get install ${packages.join(" ")}`;
  return { benchmark, quantity, median: null, low: null, high: null, unit, runs: 0, reason };
}
