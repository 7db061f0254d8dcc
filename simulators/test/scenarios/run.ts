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
  /** What the rung has, from its first board on: the others need not be started to be skipped. */
  let words: string[] | undefined;
  const lackingOf = (needs: string[]): string[] => needs.filter((word) => words !== undefined && !words.includes(word));
  afterAll(() => keepRun(rung, results));
  for (const scenario of scenarios) {
    const { name, needs, run } = scenario;
    test(name, async (context) => {
      context.skip(tooHeavy(scenario), "an emulated controller runs it in the long form");
      const skip = (): void => {
        const lacking = lackingOf(needs);
        if (lacking.length > 0) results[name] = `lacks ${lacking.join(", ")}`;
        context.skip(lacking.length > 0, `lacks ${lacking.join(", ")}`);
      };
      skip();
      const bench = await open();
      try {
        const has = (bench.welcome()?.capabilities ?? "").split(" ").map((word) => word.replace(/:.*/, ""));
        expect(has, "the board says what it can do").toContain("log");
        words ??= [...has, ...bench.offers];
        skip();
        results[name] = "failed";
        await run(bench);
        results[name] = "ok";
      } finally {
        await bench.stop();
      }
    });
  }
}
