import { afterAll, expect, test } from "vitest";
import type { Bench } from "../bench.ts";
import type { Scenario } from "./scenario.ts";
import { keepRun, type RungName, type RungRun } from "./table.ts";

/** Whether this is the long form of a suite. */
export const LONG = process.env["MLTB_LONG"] === "1";

/**
 * Runs scenarios as tests, each on a fresh board; what the board lacks is skipped with the reason, and so are scenarios
 * that are too heavy for the short form.
 */
export function runScenarios(
  rung: RungName,
  scenarios: Scenario[],
  open: () => Promise<Bench>,
  tooHeavy: (scenario: Scenario) => boolean = () => false,
): void {
  const results: RungRun = {};
  afterAll(() => keepRun(rung, results));
  for (const scenario of scenarios) {
    const { name, needs, run } = scenario;
    test(name, async (context) => {
      context.skip(tooHeavy(scenario), "an emulated controller runs it in the long form");
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
