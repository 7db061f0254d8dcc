import { expect, test } from "vitest";
import { LONG } from "../scenarios/run.ts";
import { createDriver } from "./driver.ts";
import { runModel } from "./run.ts";
import { modelBoard } from "./rungs.ts";

const OPERATIONS = Number(process.env["MLTB_OPERATIONS"] ?? (LONG ? 100_000 : 300));
/** A failing run is seen again with the seed that it prints: MLTB_SEED, and with as many operations. */
const SEED = Number(process.env["MLTB_SEED"] ?? 1);

test(`${OPERATIONS} random operations on every channel of the Lua board: it is what the model of a channel says`, async ({
  task,
}) => {
  const { rung, powerCycle, rack } = await modelBoard();
  const driver = await createDriver({ rung, flash: rack.flash, seed: SEED, powerCycle });
  const begun = performance.now();
  await runModel(driver, { operations: OPERATIONS });
  const seconds = (performance.now() - begun) / 1000;
  const operations = driver.done.reduce((sum, count) => sum + count, 0);
  console.info(
    `${operations} operations in ${seconds.toFixed(1)} s: ${(operations / seconds).toFixed(0)} a second, ${(driver.host.now_ms() / 1000).toFixed(0)} s of the board`,
  );
  task.meta.figures = { model_operations: operations };
  expect(Math.min(...driver.done)).toBeGreaterThanOrEqual(1);
  await rung.stop();
}, 0);
