import { missingImagePackages } from "@mltb/firmware/images";
import { Fault, TripSource } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { hardOverCurrents, tripPaths } from "./measure/over-current.ts";
import { rp2040Image } from "./rungs.ts";

const CROSSINGS = process.env["MLTB_LONG"] === "1" ? 1000 : 20;
const LONGEST_MS = 3_600_000;
/** DESIGN section 4: from crossing the hard limit to the open switch. */
const HARD_US = 2000;

describe.skipIf(missingImagePackages().length > 0)("hard over-current of the RP2040 image, in device time", () => {
  for (const path of tripPaths) {
    test(`worst of ${CROSSINGS} crossings by the ${path.name} alone (${path.blind}), at full rate with a busy collector`, {
      timeout: LONGEST_MS,
    }, async ({ task }) => {
      const { reactions_us, trips, echoes } = await hardOverCurrents(await rp2040Image("cdc"), path, CROSSINGS);
      for (const { channel, trip } of trips) {
        expect(trip).toMatchObject({ channel, fault: Fault.hard_over_current, source: path.source });
      }
      const worst = Math.max(...reactions_us);
      const median = [...reactions_us].sort((a, b) => a - b)[reactions_us.length >> 1];
      console.log(
        `${path.name}: ${reactions_us.length} crossings, median ${median} us, worst ${worst} us, ${echoes} echoes`,
      );
      const short = path.source === TripSource.alert ? "alert" : "sampler";
      task.meta.figures = {
        [`over_current_${short}_worst_us`]: worst,
        [`over_current_${short}_median_us`]: median ?? Number.NaN,
        over_current_crossings: CROSSINGS,
      };
      expect(reactions_us).toHaveLength(CROSSINGS);
      expect(worst).toBeLessThanOrEqual(HARD_US);
    });
  }
});
