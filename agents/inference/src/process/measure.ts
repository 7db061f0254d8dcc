import type { LoadedModel, Tensor } from "../runtimes/runtime.ts";
import type { MeasureSpec, ModelReply, WindowHead } from "./messages.ts";

const GROW = 4096;

/**
 * Warm-up and windows in the model's process. Inside a window there is nothing but prepare, run, read and the clock;
 * latencies are of `run` alone, by the monotonic clock; results leave after the window. An abort ends it after the
 * inference that runs, with the marker low.
 */
export async function measure(
  model: LoadedModel,
  spec: MeasureSpec,
  sets: Tensor[][],
  call: number,
  send: (reply: ModelReply, parts?: readonly Uint8Array[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const input = (): Tensor[] => {
    const tensors = sets[next] as Tensor[];
    next = (next + 1) % sets.length;
    return tensors;
  };
  for (let i = 0; i < spec.warmup && !signal.aborted; i += 1) model.read(await model.run(model.prepare(input())));
  send({ call, kind: "warmed", inferences: spec.warmup });

  for (let index = 0; index < spec.windows && !signal.aborted; index += 1) {
    await pause(spec.gap_ms);
    const { window, latency_us } = await oneWindow(model, input, index, spec, send, signal);
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
  while (stop_ns < until_ns && !signal.aborted) {
    const t0 = process.hrtime.bigint();
    const feed = model.prepare(input());
    const t1 = process.hrtime.bigint();
    const result = await model.run(feed);
    const t2 = process.hrtime.bigint();
    model.read(result);
    stop_ns = process.hrtime.bigint();
    if (count === latencies.length) {
      const grown = new Float64Array(count * 2);
      grown.set(latencies);
      latencies = grown;
    }
    latencies[count] = Number(t2 - t1) / 1000;
    count += 1;
    pre += t1 - t0;
    inside += t2 - t1;
    post += stop_ns - t2;
  }
  if (spec.markers) send({ kind: "marker", level: 0, at_ns: stop_ns.toString() });
  const mean = (sum: bigint): number => Number(sum) / 1000 / count;
  const window: WindowHead = {
    index,
    start_ns: start_ns.toString(),
    stop_ns: stop_ns.toString(),
    inferences: count,
    pre_us: mean(pre),
    inference_us: mean(inside),
    post_us: mean(post),
  };
  return { window, latency_us: new Uint8Array(latencies.buffer, 0, count * latencies.BYTES_PER_ELEMENT) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
