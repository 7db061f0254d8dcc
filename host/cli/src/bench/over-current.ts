import { missingImagePackages } from "@mltb/firmware/images";
import { hardOverCurrents, rp2040Image, tripPaths } from "@mltb/simulators/measure";
import { type Benchmark, type Figure, spread, unmeasured } from "./figure.ts";

const CROSSINGS = 20;

/** From crossing the hard limit to the open switch, on the emulated chip's clock: the machine plays no part. */
export const overCurrent: Benchmark = {
  name: "over-current",
  about: "hard over-current to the open switch, RP2040 image at full rate, device time",
  async run() {
    const missing = missingImagePackages();
    const figures: Figure[] = [];
    for (const path of tripPaths) {
      const quantity = `crossing to open switch, ${path.name}`;
      if (missing.length > 0) {
        figures.push(unmeasured("over-current", quantity, "us", missing));
        continue;
      }
      const { reactions_us, trips } = await hardOverCurrents(await rp2040Image("cdc"), path, CROSSINGS);
      if (trips.some(({ trip }) => trip?.source !== path.source)) throw new Error(`a trip was not by the ${path.name}`);
      const count = `virtual; ${path.blind}`;
      figures.push({ benchmark: "over-current", quantity, ...spread(reactions_us), unit: "us", count });
    }
    return figures;
  },
};
