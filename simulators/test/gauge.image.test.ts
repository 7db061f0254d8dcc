import { countInstructions, INSTRUCTION_BUDGETS, missingGaugePackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";

/** docs/firmware.md: the counts at the last change of that page. */
const COUNTED = { ping: 8_640, echo64: 20_260, block100x8: 27_355, worst_dispatch: 133_480 };
/** Drift that passes without a change of the page. */
const DRIFT = 0.03;

const missing = missingGaugePackages();
if (missing.length > 0) console.warn(`instructions are not counted: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("instructions of the firmware on QEMU's mps2-an385", () => {
  test("two runs count the same, and no count has moved by more than three per cent since it was written down", async () => {
    const counts = await countInstructions();
    expect(await countInstructions()).toEqual(counts);
    console.log(JSON.stringify(counts));
    for (const [name, value] of Object.entries(COUNTED)) {
      expect(Math.abs(counts[name as keyof typeof counts] / value - 1), name).toBeLessThanOrEqual(DRIFT);
    }
    for (const [name, budget] of Object.entries(INSTRUCTION_BUDGETS)) {
      expect(counts[name as keyof typeof counts], name).toBeLessThanOrEqual(budget);
    }
  });
});
