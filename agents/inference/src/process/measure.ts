import type { LoadedModel, Tensor } from "../runtimes/runtime.ts";
import type { MeasureSpec, ModelReply, WindowResult } from "./messages.ts";

const GROW = 4096;

/**
 * Warm-up and windows in the model's process. Inside a window there is nothing but prepare, run, read and the clock;
 * latencies are of `run` alone, by the monotonic clock; results leave after the window.
 */
export async function measure(
  model: LoadedModel,
  spec: MeasureSpec,
  call: number,
  send: (reply: ModelReply) => void,
): Promise<void> {
  let next = 0;
  const input = (): Tensor[] => {
    const tensors = spec.inputs[next] as Tensor[];
    next = (next + 1) % spec.inputs.length;
    return tensors;
  };
  for (let i = 0; i < spec.warmup; i += 1) model.read(await model.run(model.prepare(input())));
  send({ call, kind: "warmed", inferences: spec.warmup });

  for (let index = 0; index < spec.windows; index += 1) {
    await pause(spec.gap_ms);
    const window = await oneWindow(model, input, index, spec, send);
    await pause(spec.gap_ms);
    send({ call, kind: "window", window });
  }
  send({ call, kind: "measured" });
}

async function oneWindow(
  model: LoadedModel,
  input: () => Tensor[],
  index: number,
  spec: MeasureSpec,
  send: (reply: ModelReply) => void,
): Promise<WindowResult> {
  let latencies = new Float64Array(GROW);
  let count = 0;
  let pre = 0n;
  let inside = 0n;
  let post = 0n;
  const start_ns = process.hrtime.bigint();
  const until_ns = start_ns + BigInt(Math.round(spec.window_s * 1e9));
  if (spec.markers) send({ kind: "marker", level: 1, at_ns: start_ns });
  let stop_ns = start_ns;
  while (stop_ns < until_ns) {
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
  if (spec.markers) send({ kind: "marker", level: 0, at_ns: stop_ns });
  const mean = (sum: bigint): number => Number(sum) / 1000 / count;
  return {
    index,
    start_ns,
    stop_ns,
    latency_us: latencies.slice(0, count),
    pre_us: mean(pre),
    inference_us: mean(inside),
    post_us: mean(post),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
