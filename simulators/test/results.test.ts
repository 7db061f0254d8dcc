import {
  differing,
  provenance,
  type Results,
  readResults,
  readSoaks,
  soakDiffering,
  stalePages,
  withFigures,
} from "@mltb/firmware";
import { describe, expect, test } from "vitest";
import { scenarios } from "./scenarios/index.ts";
import { rungs, scenarioTable } from "./scenarios/table.ts";

const results = readResults();
const soaks = readSoaks();
/** A long run is made when the sources stand still: its form demands that the others' results are of these sources. */
const LONG = process.env["MLTB_LONG"] === "1";

test("the pages' figures are those of docs/results (npm run -s firmware -- size --write)", () => {
  expect(stalePages().map(({ page }) => page)).toEqual([]);
});

test("a figure is written between its marks, one without a result is left, an unknown one is an error", () => {
  const page = "a <!-- figure chain-cpu -->9 %<!-- end --> b";
  expect(withFigures("p", page, {})).toBe(page);
  const images = {
    command: "",
    at: "",
    passed: 1,
    failed: 0,
    skipped: 0,
    figures: { sampling_chain_cpu_share: 0.4114 },
  };
  expect(withFigures("p", page, { "long-images": images })).toBe("a <!-- figure chain-cpu -->41.1 %<!-- end --> b");
  expect(() => withFigures("p", "<!-- figure nosuch --><!-- end -->", {})).toThrow(/there is no figure nosuch/);
});

test("the table of scenarios has a row for each, made of one run", () => {
  const [first] = scenarios;
  const table = scenarioTable([{ rung: "RP2040, UART", name: first?.name ?? "", result: "ok" }]);
  expect(table.rows.map(({ name }) => name)).toEqual(scenarios.map(({ name }) => name));
  expect(table.rows[0]?.cells).toEqual(rungs.map((rung) => (rung === "RP2040, UART" ? "ok" : "not run")));
});

const today = provenance();

describe("docs/results is of these sources", () => {
  const made: Record<string, keyof Results> = {
    "npm run -s firmware -- size --write": "sizes",
    "npm run bench -- --only sampling-rate --write": "bench",
    "npm run fuzz -- --long": "long-fuzz",
    "npm run test:images -- --long": "long-images",
    "npm run test:integration -- --long": "long-integration",
    // The run that this test is part of writes it.
    ...(LONG ? {} : { "npm test -- --long": "long-unit" }),
  };
  test.for(Object.entries(made).map(([command, name]) => ({ command, name })))(
    "$command",
    async ({ command, name }, context) => {
      const judged = name === "long-integration" ? soakDiffering : differing;
      const other = judged(results[name]?.of, await today);
      if (name === "long-images" && other.length === 0) {
        const rows = results["long-images"]?.scenarios?.rows.map((row) => row.name);
        if (JSON.stringify(rows) !== JSON.stringify(scenarios.map((scenario) => scenario.name)))
          other.push("scenarios");
        // The long form passes nothing over: what a rung did not run, it lacks.
        const cells = results["long-images"]?.scenarios?.rows.flatMap((row) => row.cells);
        expect(cells, "npm run test:images -- --long").not.toContain("not run");
      }
      // Between two long runs sources move on: the short form says so, and skips.
      context.skip(
        !LONG && other.length > 0,
        `docs/results/${name}.json is of another ${other.join(", ")}: ${command}`,
      );
      expect(other, `docs/results/${name}.json: ${command}`).toEqual([]);
    },
  );

  test.for(Object.keys(soaks).map((name) => ({ name })))(
    "npm run soak -- --long --only $name",
    async ({ name }, context) => {
      const other = soakDiffering(soaks[name]?.of, await today);
      // All of them together take a day: the long form too says only which are of other sources.
      context.skip(
        other.length > 0,
        `docs/results/long-soak-${name}.json is of another ${other.join(", ")}: npm run soak -- --long --only ${name}`,
      );
      expect(other).toEqual([]);
    },
  );

  test("a soak is of the supervisor besides, other results are not; one from before that was kept is of another", async () => {
    const now = await today;
    const { supervisor_sha256, ...before } = now;
    expect(supervisor_sha256).toMatch(/^[0-9a-f]{64}$/);
    const moved = { ...now, supervisor_sha256: "another" };
    expect([differing(now, now), soakDiffering(now, now)]).toEqual([[], []]);
    for (const of of [before, moved]) {
      expect([differing(of, now), soakDiffering(of, now)]).toEqual([[], ["supervisor_sha256"]]);
    }
    expect(soakDiffering({ ...now, port_sha256: "another" }, now)).toEqual(["port_sha256"]);
  });

  test("no result is of a run that failed", () => {
    for (const [name, result] of [...Object.entries(results), ...Object.entries(soaks)]) {
      if (result?.of === undefined) continue;
      const { failed = 0, wrong = [] } = result as { failed?: number; wrong?: string[] };
      expect({ name, failed, wrong }).toEqual({ name, failed: 0, wrong: [] });
    }
  });
});
