import type { ResultRecord } from "./record.ts";

/** MLPerf's shortest measurement of every scenario, seconds (`min_duration` of loadgen/mlperf.conf). */
const MIN_DURATION_S = 600;
/** Queries from which early stopping has an estimate. */
const FEWEST = { p90: 64, p99: 662 } as const;

/** The percentile that early stopping estimates in a scenario; the server scenario counts queries above a bound instead. */
const estimated: Partial<Record<ResultRecord["scenario"], "p90" | "p99">> = {
  "single-stream": "p90",
  "multi-stream": "p99",
};

export interface LoadgenConditions {
  /** LoadGen calls a result valid when all of them hold. */
  satisfied: boolean;
  lines: string[];
}

interface EarlyStopped {
  satisfied: boolean;
  lines: string[];
}

/** LoadGen's conditions of a result in its words (`LogSummary` of loadgen/results.cc). No number of queries is asked for. */
export function loadgenConditions(record: ResultRecord): LoadgenConditions {
  const { latency_us: latency, latency_bound: bound, scenario, windows } = record;
  const seconds = windows.reduce((sum, { duration_us }) => sum + duration_us, 0) / 1e6;
  const early = scenario === "server" ? serverStopped(record) : estimate(record);
  const conditions: [string, boolean][] = [
    ["  Min duration satisfied : ", seconds >= MIN_DURATION_S],
    ["  Min queries satisfied : ", (latency?.n ?? 0) > 0],
    ["  Early stopping satisfied: ", early.satisfied],
  ];
  if (scenario === "server") {
    const within = latency !== null && bound !== undefined && latency.p99 <= bound.bound_us;
    conditions.unshift(["  Performance constraints satisfied : ", within]);
  }
  return {
    satisfied: conditions.every(([, holds]) => holds),
    lines: [...conditions.map(([words, holds]) => `${words}${holds ? "Yes" : "NO"}`), ...early.lines],
  };
}

function estimate({ scenario, latency_us: latency }: ResultRecord): EarlyStopped {
  const key = estimated[scenario];
  // Offline has no percentile, and early stopping nothing to say.
  if (key === undefined) return { satisfied: true, lines: [] };
  const found = latency?.early_stopping?.[key] ?? null;
  const queries = latency?.n ?? 0;
  const lines =
    found === null
      ? [
          ` * Only processed ${queries} queries.`,
          ` * Need to process at least ${FEWEST[key]} queries for early stopping.`,
        ]
      : [
          ` * Processed at least ${FEWEST[key]} queries (${queries}).`,
          ` * Would discard ${found.discarded} highest latency queries.`,
          ` * Early stopping ${key.slice(1)}th percentile estimate: ${Math.round(found.value * 1000)}`,
        ];
  return { satisfied: found !== null, lines: ["Early Stopping Result:", ...lines] };
}

function serverStopped({ latency_bound: bound }: ResultRecord): EarlyStopped {
  const title = "Early Stopping Result:";
  // Nor have records of earlier versions what was counted.
  if (bound === undefined) return { satisfied: false, lines: [title, " * No latency bound to count queries above."] };
  if (bound.satisfied) return { satisfied: true, lines: [title, " * Run successful."] };
  return {
    satisfied: false,
    lines: [
      title,
      " * Run unsuccessful.",
      ` * Processed ${bound.queries} queries.`,
      ` * Would need to run at least ${bound.queries_needed - bound.queries} more queries,`,
      " with the run being successful if every additional",
      " query were under latency.",
    ],
  };
}
