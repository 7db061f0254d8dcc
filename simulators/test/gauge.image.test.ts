import { readResults } from "@mltb/firmware";
import { countInstructions, INSTRUCTION_BUDGETS, missingGaugePackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";

/** Drift that passes without a commit of `docs/results/sizes.json`, which `npm run -s firmware -- size --write` makes. */
const DRIFT = 0.03;

const missing = missingGaugePackages();
if (missing.length > 0) console.warn(`instructions are not counted: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("instructions of the firmware on QEMU's mps2-an385", () => {
  test("two runs count the same, and no count has moved by more than three per cent since it was written down", async () => {
    const counts = await countInstructions();
    expect(await countInstructions()).toEqual(counts);
    console.log(JSON.stringify(counts));
    const written = readResults().sizes?.sizes.instructions;
    for (const [name, budget] of Object.entries(INSTRUCTION_BUDGETS)) {
      const count = counts[name as keyof typeof counts];
      const before = written?.[name as keyof typeof counts];
      expect(Math.abs(count / (before ?? Number.NaN) - 1), name).toBeLessThanOrEqual(DRIFT);
      expect(count, name).toBeLessThanOrEqual(budget);
    }
  });
});
