import { missingImagePackages } from "@mltb/firmware/images";
import { highestRate, samplingCarriers } from "@mltb/simulators/measure";
import { type Benchmark, type Figure, unmeasured } from "./figure.ts";

/** Highest sampling rate that reaches the host without a lost row, in the board's own time. */
export const samplingRate: Benchmark = {
  name: "sampling-rate",
  about: "highest sampling rate with no row lost for two seconds, by carrier, device time",
  async run() {
    const missing = missingImagePackages();
    const figures: Figure[] = [];
    for (const carrier of samplingCarriers) {
      const quantity = `${carrier.name}, ${carrier.line}`;
      if (carrier.image && missing.length > 0) {
        figures.push(unmeasured("sampling-rate", quantity, "Hz x 8 channels", missing));
        continue;
      }
      const found = await highestRate(carrier);
      if (found === undefined) throw new Error(`${quantity}: even the slowest rate loses rows`);
      const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
      const line =
        carrier.line_bytes_s === undefined
          ? ""
          : `payload ${percent(found.payload_bytes_s / carrier.line_bytes_s)} of the line, `;
      const next =
        found.lossy_hz === undefined ? "the sampler's highest" : `${Math.round(found.lossy_hz)} Hz is too much`;
      figures.push({
        benchmark: "sampling-rate",
        quantity,
        median: found.rate_hz,
        low: found.rate_hz,
        high: found.rate_hz,
        unit: `Hz x ${found.channels} channels`,
        runs: 1,
        count: `virtual; ${line}${percent(found.payload_share)} of the bytes sent; ${next}`,
      });
    }
    return figures;
  },
};
