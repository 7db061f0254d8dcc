import { countInstructions, missingGaugePackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";

/** docs/decisions/0006-instructions.md: the counts at the last change of that page. */
const COUNTED = { ping: 38_072, echo64: 78_131, block100x8: 39_363, worst_dispatch: 354_640 };
/** Drift that passes without a change of the page. */
const DRIFT = 0.03;
/** The only budget of the four that is met. */
const BLOCK_BUDGET = 45_000;

const missing = missingGaugePackages();
if (missing.length > 0) console.warn(`instructions are not counted: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("instructions of the firmware on QEMU's mps2-an385", () => {
  test("two runs count the same, and no count has grown by more than three per cent since it was written down", async () => {
    const counts = await countInstructions();
    expect(await countInstructions()).toEqual(counts);
    console.log(JSON.stringify(counts));
    for (const [name, value] of Object.entries(COUNTED)) {
      expect(counts[name as keyof typeof counts] / value, name).toBeLessThanOrEqual(1 + DRIFT);
    }
    expect(counts.block100x8).toBeLessThanOrEqual(BLOCK_BUDGET);
  });
});
