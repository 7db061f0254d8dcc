import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { offlineSamples, poissonGaps, sampleOrder } from "./schedule.ts";

test("every sample comes once a round, in the order of the seed", () => {
  const take = (seed: number): number[] => {
    const next = sampleOrder(50, seed);
    return Array.from({ length: 150 }, () => next());
  };
  const order = take(7);
  for (const round of [0, 50, 100]) expect([...new Set(order.slice(round, round + 50))].length).toBe(50);
  expect(order.slice(0, 50)).not.toEqual(order.slice(50, 100));
  expect(take(7)).toEqual(order);
  expect(take(8)).not.toEqual(order);
});

test("arrivals are a Poisson process: mean and standard deviation of the gaps are one over the rate, none depends on the one before", () => {
  const gap = poissonGaps(200, 3);
  const gaps = Array.from({ length: 20_000 }, () => Number(gap()) / 1e9);
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, x) => sum + (x - mean) ** 2, 0) / gaps.length);
  expect(mean).toBeCloseTo(1 / 200, 3);
  expect(deviation / mean).toBeGreaterThan(0.97);
  expect(deviation / mean).toBeLessThan(1.03);
  let covariance = 0;
  for (let i = 1; i < gaps.length; i += 1)
    covariance += ((gaps[i] as number) - mean) * ((gaps[i - 1] as number) - mean);
  expect(Math.abs(covariance / gaps.length / deviation ** 2)).toBeLessThan(0.03);
});

test("the schedule of LiteRT's process is the same: order, arrivals and samples of an offline query (needs python3)", (context) => {
  const program = [
    "import json, sys",
    "from itertools import islice",
    "from litert_schedule import offline_samples, poisson_gaps, sample_order",
    "seeds = json.load(sys.stdin)",
    "rows = [[list(islice(sample_order(7, s), 50)), list(islice(poisson_gaps(200, s), 500))] for s in seeds]",
    "print(json.dumps([[*row, offline_samples(0.4, s)] for row, s in zip(rows, seeds)]))",
  ].join("\n");
  const seeds = [0, 1, 9, 4_294_967_295];
  const { error, stdout, stderr } = spawnSync("python3", ["-B", "-c", program], {
    cwd: fileURLToPath(new URL("../runtimes/", import.meta.url)),
    input: JSON.stringify(seeds),
    encoding: "utf8",
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return context.skip("there is no python3");
  expect(stderr).toBe("");
  const expected = seeds.map((seed) => {
    const [order, gap] = [sampleOrder(7, seed), poissonGaps(200, seed)];
    const samples = offlineSamples(0.4, BigInt(seed));
    return [Array.from({ length: 50 }, order), Array.from({ length: 500 }, () => Number(gap())), samples];
  });
  expect(JSON.parse(stdout)).toEqual(expected);
});
