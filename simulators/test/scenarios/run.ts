import { afterAll, expect, test } from "vitest";
import type { Bench } from "../bench.ts";
import type { Scenario } from "./scenario.ts";
import { keepRun, type RungName, type RungRun } from "./table.ts";

/** Runs scenarios as tests, each on a fresh board; what the board lacks is skipped with the reason. */
export function runScenarios(rung: RungName, scenarios: Scenario[], open: () => Promise<Bench>): void {
  const results: RungRun = {};
  afterAll(() => keepRun(rung, results));
  for (const { name, needs, run } of scenarios) {
    test(name, async (context) => {
      const bench = await open();
      try {
        const has = (bench.welcome()?.capabilities ?? "").split(" ").map((word) => word.split(":")[0]);
        expect(has, "the board says what it can do").toContain("log");
        const lacking = needs.filter((word) => !has.includes(word));
        results[name] = lacking.length > 0 ? `lacks ${lacking.join(", ")}` : "failed";
        context.skip(lacking.length > 0, `lacks ${lacking.join(", ")}`);
        await run(bench);
        results[name] = "ok";
      } finally {
        await bench.stop();
      }
    });
  }
}
