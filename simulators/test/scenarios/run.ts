import { expect, test } from "vitest";
import type { Bench } from "../bench.ts";
import type { Scenario } from "./scenario.ts";
import { has, type RungName, type ScenarioDone } from "./table.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the run's reporter makes the table of scenarios from. */
    scenario?: ScenarioDone;
    /** Figures for the result file of a long run, by name. */
    figures?: Record<string, number>;
  }
}

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
  /** What the rung has, from its first board on: the others need not be started to be skipped. */
  let words: string[] | undefined;
  const lackingOf = (needs: string[]): string[] => needs.filter((word) => words !== undefined && !words.includes(word));
  for (const scenario of scenarios) {
    const { name, needs, run } = scenario;
    test(name, async (context) => {
      const done = (result: string): void => {
        context.task.meta.scenario = { rung, name, result };
      };
      context.skip(tooHeavy(scenario), "an emulated controller runs it in the long form");
      const skip = (): void => {
        const lacking = lackingOf(needs);
        if (lacking.length > 0) done(`lacks ${lacking.join(", ")}`);
        context.skip(lacking.length > 0, `lacks ${lacking.join(", ")}`);
      };
      skip();
      const bench = await open();
      try {
        const capabilities = bench.welcome()?.capabilities ?? "";
        if (rung !== "board given by --port") expect({ capabilities, offers: bench.offers }).toEqual(has[rung]);
        words ??= [...capabilities.split(" ").map((word) => word.replace(/:.*/, "")), ...bench.offers];
        skip();
        done("failed");
        await run(bench);
        done("ok");
      } finally {
        await bench.stop();
      }
    });
  }
}
