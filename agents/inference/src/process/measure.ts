import type { LoadedModel, Tensor } from "../runtimes/runtime.ts";
import type { MeasureSpec, ModelReply, WindowHead } from "./messages.ts";
import { offlineSamples, poissonGaps, sampleOrder } from "./schedule.ts";

const GROW = 4096;
/** A sleep ends late; the last stretch before an arrival is waited for with the processor. */
const SPIN_NS = 2_000_000n;
/** How often a warm-up says that it goes on: its length is nobody's fault, that of one inference is. */
const WARMING_NS = 100_000_000n;

/** Nanoseconds of a query's parts; `latency` is what the scenario measures. */
interface Query {
  pre: bigint;
  inside: bigint;
  post: bigint;
  latency: bigint;
  samples: number;
}

/**
 * Warm-up and windows in the model's process. Inside a window there is nothing but prepare, run, read and the clock;
 * results leave after the window. Latencies are by the monotonic clock: of `run` alone; for a query of several samples
 * (multi-stream) the sum over them; in the server scenario from the query's arrival to its end, waiting included. All
 * that arrived inside a server window is served, as LoadGen does, for one window more at most: what waits then enters with
 * the time it has waited so far, which is less than its latency. An offline window is one query of all its samples: their
 * number is fixed before it begins, and it ends with the last. An abort ends it after the inference that runs, with the
 * marker low.
 */
export async function measure(
  model: LoadedModel,
  spec: MeasureSpec,
  sets: Tensor[][],
  call: number,
  send: (reply: ModelReply, parts?: readonly Uint8Array[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const order = sampleOrder(sets.length, spec.seed);
  const input = (): Tensor[] => sets[order()] as Tensor[];
  let told_ns = process.hrtime.bigint();
  const offline = spec.scenario === "offline";
  // The rate that is expected of an offline window comes from its warm-up.
  const warmup = offline ? Math.max(1, spec.warmup) : spec.warmup;
  let fastest_ns = BigInt(Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < warmup && !signal.aborted; i += 1) {
    const before_ns = process.hrtime.bigint();
    model.read(await model.run(model.prepare(input())));
    const now_ns = process.hrtime.bigint();
    if (now_ns - before_ns < fastest_ns) fastest_ns = now_ns - before_ns;
    if (now_ns - told_ns < WARMING_NS) continue;
    told_ns = now_ns;
    send({ call, kind: "warming", inferences: i + 1 });
  }
  send({ call, kind: "warmed", inferences: warmup });
  const all = offline ? offlineSamples(spec.window_s, fastest_ns) : undefined;

  for (let index = 0; index < spec.windows && !signal.aborted; index += 1) {
    await pause(spec.gap_ms);
    const { window, latency_us } = await oneWindow(model, input, index, spec, all, send, signal);
    await pause(spec.gap_ms);
    if (!signal.aborted) send({ call, kind: "window", window }, [latency_us]);
  }
  send({ call, kind: "measured" });
}

async function oneWindow(
  model: LoadedModel,
  input: () => Tensor[],
  index: number,
  spec: MeasureSpec,
  /** Samples of an offline window. */
  all: number | undefined,
  send: (reply: ModelReply) => void,
  signal: AbortSignal,
): Promise<{ window: WindowHead; latency_us: Uint8Array }> {
  let latencies = new Float64Array(GROW);
  let count = 0;
  let pre = 0n;
  let inside = 0n;
  let post = 0n;
  const start_ns = process.hrtime.bigint();
  const until_ns = start_ns + BigInt(Math.round(spec.window_s * 1e9));
  if (spec.markers) send({ kind: "marker", level: 1, at_ns: start_ns.toString() });
  let stop_ns = start_ns;
  let samples = 0;
  const gap = poissonGaps(spec.target_per_s, spec.seed + index);
  let arrival_ns = start_ns;
  const server = spec.scenario === "server";
  const latest_ns = until_ns + (until_ns - start_ns);
  const keep = (latency_ns: bigint): void => {
    if (count === latencies.length) {
      const grown = new Float64Array(count * 2);
      grown.set(latencies);
      latencies = grown;
    }
    latencies[count] = Number(latency_ns) / 1000;
    count += 1;
  };
  const isOpen = (): boolean => (all === undefined ? server || stop_ns < until_ns : samples < all);
  while (isOpen() && !signal.aborted) {
    if (server) {
      arrival_ns += gap();
      if (arrival_ns >= until_ns) break;
      if (stop_ns >= latest_ns) {
        keep(stop_ns - arrival_ns);
        continue;
      }
      await waitUntil(arrival_ns);
    }
    const one = await query(model, input, spec.scenario === "multi-stream" ? spec.samples_per_query : 1);
    stop_ns = process.hrtime.bigint();
    keep(server ? stop_ns - arrival_ns : one.latency);
    samples += one.samples;
    pre += one.pre;
    inside += one.inside;
    post += one.post;
  }
  if (server && !signal.aborted && stop_ns < until_ns) {
    await waitUntil(until_ns);
    stop_ns = process.hrtime.bigint();
  }
  if (spec.markers) send({ kind: "marker", level: 0, at_ns: stop_ns.toString() });
  const mean = (sum: bigint): number => (samples === 0 ? 0 : Number(sum) / 1000 / samples);
  const window: WindowHead = {
    index,
    start_ns: start_ns.toString(),
    stop_ns: stop_ns.toString(),
    inferences: samples,
    pre_us: mean(pre),
    inference_us: mean(inside),
    post_us: mean(post),
  };
  return { window, latency_us: new Uint8Array(latencies.buffer, 0, count * latencies.BYTES_PER_ELEMENT) };
}

/** One query: its samples one after the other. */
async function query(model: LoadedModel, input: () => Tensor[], samples: number): Promise<Query> {
  const sum: Query = { pre: 0n, inside: 0n, post: 0n, latency: 0n, samples };
  for (let i = 0; i < samples; i += 1) {
    const t0 = process.hrtime.bigint();
    const feed = model.prepare(input());
    const t1 = process.hrtime.bigint();
    const result = await model.run(feed);
    const t2 = process.hrtime.bigint();
    model.read(result);
    const t3 = process.hrtime.bigint();
    sum.pre += t1 - t0;
    sum.inside += t2 - t1;
    sum.post += t3 - t2;
  }
  sum.latency = sum.inside;
  return sum;
}

async function waitUntil(at_ns: bigint): Promise<void> {
  const left = at_ns - process.hrtime.bigint();
  if (left > SPIN_NS) await pause(Number((left - SPIN_NS) / 1_000_000n));
  while (process.hrtime.bigint() < at_ns);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
