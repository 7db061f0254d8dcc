import type { ResultRecord } from "./record.ts";

/** MLPerf's shortest measurement of every scenario, seconds (`min_duration` of loadgen/mlperf.conf). */
const MIN_DURATION_S = 600;
/** Queries from which early stopping has an estimate. */
const FEWEST = { p90: 64, p99: 662 } as const;

type Estimated = keyof typeof FEWEST;

/**
 * The percentiles that early stopping estimates in a scenario, the one that it needs first; the server scenario counts queries
 * above a bound instead.
 */
const estimated: Partial<Record<ResultRecord["scenario"], [Estimated, ...Estimated[]]>> = {
  "single-stream": ["p90", "p99"],
  "multi-stream": ["p99"],
};

/** LoadGen's conditions of a result; it calls it valid when all of them hold. */
export interface LoadgenConditions {
  satisfied: boolean;
  min_duration: boolean;
  min_queries: boolean;
  /** Of the server scenario alone. */
  constraints: boolean | null;
  early_stopping: boolean;
  /** What early stopping found, a line each; empty in the offline scenario. */
  found: string[];
}

interface EarlyStopped {
  satisfied: boolean;
  lines: string[];
}

/** Seconds that the windows of a record lasted together. */
export function lasted_s({ windows }: ResultRecord): number {
  return windows.reduce((sum, { duration_us }) => sum + duration_us, 0) / 1e6;
}

/** Whether LoadGen's conditions hold (`PerformanceSummary` of loadgen/results.cc). No number of queries is asked for. */
export function loadgenConditions(record: ResultRecord): LoadgenConditions {
  const { latency_us: latency, latency_bound: bound, scenario } = record;
  const early = scenario === "server" ? serverStopped(record) : estimate(record);
  const min_duration = lasted_s(record) >= MIN_DURATION_S;
  const min_queries = (latency?.n ?? 0) > 0;
  const constraints =
    scenario === "server" ? latency !== null && bound !== undefined && latency.p99 <= bound.bound_us : null;
  return {
    satisfied: min_duration && min_queries && constraints !== false && early.satisfied,
    ...{ min_duration, min_queries, constraints },
    ...{ early_stopping: early.satisfied, found: early.lines },
  };
}

/** The conditions as the lines of LoadGen's summary (`LogSummary` of loadgen/results.cc). */
export function conditionLines({
  min_duration,
  min_queries,
  constraints,
  early_stopping,
  found,
}: LoadgenConditions): string[] {
  const word = (holds: boolean): string => (holds ? "Yes" : "NO");
  return [
    ...(constraints === null ? [] : [`  Performance constraints satisfied : ${word(constraints)}`]),
    `  Min duration satisfied : ${word(min_duration)}`,
    `  Min queries satisfied : ${word(min_queries)}`,
    `  Early stopping satisfied: ${word(early_stopping)}`,
    ...(found.length === 0 ? [] : ["Early Stopping Result:", ...found]),
  ];
}

/** LoadGen writes the percentile with one digit. */
const percent = (key: Estimated): string => `${key.slice(1)}.0th percentile`;

function estimate({ scenario, latency_us: latency }: ResultRecord): EarlyStopped {
  const [first, ...others] = estimated[scenario] ?? [];
  // Offline has no percentile, and early stopping nothing to say.
  if (first === undefined) return { satisfied: true, lines: [] };
  const found = latency?.early_stopping?.[first] ?? null;
  const queries = latency?.n ?? 0;
  if (found === null) {
    const lines = [
      ` * Only processed ${queries} queries.`,
      ` * Need to process at least ${FEWEST[first]} queries for early stopping.`,
    ];
    return { satisfied: false, lines };
  }
  const told = (key: Estimated, value: number): string =>
    ` * Early stopping ${percent(key)} estimate: ${Math.round(value * 1000)}`;
  const lines = [
    ` * Processed at least ${FEWEST[first]} queries (${queries}).`,
    ` * Would discard ${found.discarded} highest latency queries.`,
    told(first, found.value),
    ...others.flatMap((key) => {
      const more = latency?.early_stopping?.[key] ?? null;
      if (more !== null) return [told(key, more.value)];
      return [
        ` * Not enough queries processed for ${percent(key)}`,
        " early stopping estimate (would need to process at",
        ` least ${FEWEST[key]} total queries).`,
      ];
    }),
  ];
  return { satisfied: true, lines };
}

function serverStopped({ latency_bound: bound }: ResultRecord): EarlyStopped {
  // Nor have records of earlier versions what was counted.
  if (bound === undefined) return { satisfied: false, lines: [" * No latency bound to count queries above."] };
  if (bound.satisfied) return { satisfied: true, lines: [" * Run successful."] };
  return {
    satisfied: false,
    lines: [
      " * Run unsuccessful.",
      ` * Processed ${bound.queries} queries.`,
      ` * Would need to run at least ${bound.queries_needed - bound.queries} more queries,`,
      " with the run being successful if every additional",
      " query were under latency.",
    ],
  };
}
