import type { Tensor } from "../runtimes/runtime.ts";
import { probeIsolation } from "./isolation.ts";
import { defaultLimits } from "./limits.ts";
import { ModelProcess } from "./model-process.ts";

/**
 * Microseconds that each of `runs` inferences took on top of the time in the model's own process: the way of the tensors
 * there and back. Inputs are zeros of the model's shape.
 */
export async function measureHop(file: string, runs: number): Promise<{ hop_us: number[]; run_us: number[] }> {
  const nothing = (): void => undefined;
  const model = await ModelProcess.start({
    source: { name: "hop", file, threads: 1 },
    runtime: "ort",
    isolation: await probeIsolation(),
    limits: defaultLimits,
    events: { onProcess: nothing, onMarker: nothing, onCpuTime: nothing },
  });
  try {
    const tensors = model.inputs.map(({ type, shape }): Tensor => {
      const dims = shape.map((dim) => Math.max(1, dim));
      return { type, dims, data: new Uint8Array(4 * dims.reduce((a, b) => a * b, 1)) };
    });
    const hop_us: number[] = [];
    const run_us: number[] = [];
    for (let i = 0; i < runs; i += 1) {
      const started = process.hrtime.bigint();
      const { times } = await model.infer(tensors);
      const total_ns = Number(process.hrtime.bigint() - started);
      hop_us.push((total_ns - times.pre_ns - times.inference_ns - times.post_ns) / 1000);
      run_us.push(times.inference_ns / 1000);
    }
    return { hop_us, run_us };
  } finally {
    model.stop();
  }
}
