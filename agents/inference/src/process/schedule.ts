/** Scenarios of MLPerf's LoadGen (inference rules, section 3). */
export const scenarios = ["single-stream", "multi-stream", "server", "offline"] as const;
export type Scenario = (typeof scenarios)[number];

/** Seeded numbers in [0, 1) (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The order in which input sets are taken: each set once a round, in an order that the seed gives; the same for a seed. */
export function sampleOrder(count: number, seed: number): () => number {
  const random = uniform(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  let at = count;
  return () => {
    if (at === count) {
      at = 0;
      for (let i = count - 1; i > 0; i -= 1) {
        const j = Math.floor(random() * (i + 1));
        [order[i], order[j]] = [order[j] as number, order[i] as number];
      }
    }
    at += 1;
    return order[at - 1] as number;
  };
}

/** Gaps between the arrivals of the server scenario, in nanoseconds: exponential with mean 1 / rate (a Poisson process). */
export function poissonGaps(rate_per_s: number, seed: number): () => bigint {
  const random = uniform(seed ^ 0x5bd1e995);
  return () => BigInt(Math.round((-Math.log(1 - random()) / rate_per_s) * 1e9));
}

/** LoadGen's slack of the offline scenario: so much more than what the expected rate gives in the time that it shall last. */
const OFFLINE_SLACK = 1.1;

/** Samples of the offline scenario's query, which shall last so many seconds where a sample takes `one_ns`. */
export function offlineSamples(window_s: number, one_ns: bigint): number {
  return Math.max(1, Math.ceil((OFFLINE_SLACK * window_s * 1e9) / Math.max(1, Number(one_ns))));
}
