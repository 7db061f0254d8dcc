import { missingImagePackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";
import { rp2040Image } from "../rungs.ts";
import { LONG } from "../scenarios/run.ts";
import { createDriver } from "./driver.ts";
import { runModel } from "./run.ts";

/** On each of eight channels: 24 or 1,000 in all. */
const OPERATIONS = Number(process.env["MLTB_OPERATIONS"] ?? (LONG ? 125 : 3));
const SEED = Number(process.env["MLTB_SEED"] ?? 1);
/** A start takes at most 100 ms. */
const BOOT_MS = 150;
/** Channel 1 carries the target of the rung. */
const LOADED = [0];

describe.skipIf(missingImagePackages().length > 0)("RP2040 image, UART", () => {
  test(`${8 * OPERATIONS} random operations on eight channels and an outage: the image is what the model of a channel says`, async ({
    task,
  }) => {
    const rung = await rp2040Image();
    const { powerCycle, flash } = rung.board;
    const driver = await createDriver({ rung, flash, seed: SEED, powerCycle, boot_ms: BOOT_MS, loads: LOADED });
    await runModel(driver, { operations: OPERATIONS, fixed: LOADED });
    await driver.outage();
    await driver.settle();
    const operations = driver.done.reduce((sum, count) => sum + count, 0);
    task.meta.figures = { model_operations_image: operations };
    expect(operations).toBeGreaterThanOrEqual(8 * OPERATIONS);
  }, 0);
});
