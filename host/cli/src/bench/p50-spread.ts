import { createHash } from "node:crypto";
import { generateModel } from "@mltb/bench";
import { hostReference } from "../client/reference.ts";
import { type Benchmark, spread } from "./figure.ts";

const WINDOWS = 5;
const WINDOW_S = 1;
const RUNS = 3;
const INPUT_BYTES = 49 * 10 * 4;

/** How far the medians of the windows of one measurement are apart, on this machine as it is loaded now. */
export const p50Spread: Benchmark = {
  name: "p50-spread",
  about: `spread of p50 over ${WINDOWS} windows of the keyword model in ONNX Runtime`,
  async run() {
    const host = hostReference();
    try {
      const agent = await host.open();
      const bytes = generateModel("ds-cnn-kws");
      await agent.deploy("kws", createHash("sha256").update(bytes).digest("hex"), bytes, 1);
      const inputs = [[new Uint8Array(INPUT_BYTES)]];
      const spreads: number[] = [];
      for (let n = 0; n < RUNS; n += 1) {
        const call = { model: "kws", warmup: 50, windows: WINDOWS, window_s: WINDOW_S, seed: n + 1, inputs };
        const { windows } = await agent.measure(call, () => undefined, new AbortController().signal);
        const medians = windows.map(({ latency_us }) => latency_us.slice().sort()[latency_us.length >> 1] as number);
        medians.sort((a, b) => a - b);
        const [low = 0, high = 0] = [medians[0], medians.at(-1)];
        spreads.push(((high - low) / (medians[WINDOWS >> 1] as number)) * 100);
      }
      const count = `windows of ${WINDOW_S} s`;
      return [{ benchmark: "p50-spread", quantity: "p50 over five windows", ...spread(spreads), unit: "%", count }];
    } finally {
      await host.close();
    }
  },
};
