import { expect, test } from "vitest";
import { LONG } from "../scenarios/run.ts";
import { createDriver } from "./driver.ts";
import { fillStore, losePower } from "./power-loss.ts";
import { modelBoard } from "./rungs.ts";

const POINTS = Number(process.env["MLTB_OPERATIONS"] ?? (LONG ? 1000 : 20));
const SEED = Number(process.env["MLTB_SEED"] ?? 1);

test(`loss of power at ${POINTS} points of random operations: the restore policy is obeyed; settings, limits, calibration, faults and the last state are those before or after the change that was under way`, async ({
  task,
}) => {
  const { rung, powerCycle, rack } = await modelBoard();
  const driver = await createDriver({ rung, flash: rack.flash, seed: SEED, powerCycle });
  await fillStore(driver);
  const loss = await losePower(driver, rack.flash, POINTS);
  await driver.settle();
  task.meta.figures = { power_losses: POINTS, power_losses_in_flash: loss.inFlash, power_losses_in_erase: loss.erases };
  console.info(JSON.stringify(loss));
  expect(loss.inFlash).toBeGreaterThan(POINTS / 5);
  await rung.stop();
}, 0);
