import type { Flash } from "../../src/index.ts";
import { type Driver, PowerLost } from "./driver-types.ts";
import { operate, type Pauses } from "./operations.ts";

/** Operations that write are this much more often among the others. */
const KEEPING = 5;
const ROUNDS = 3;
/** Fills most of the store, so that its sectors are erased and written anew all the time. */
const FILLERS = 13;
const FILLER_BYTES = 200;

export interface Loss {
  /** Loss of power in the middle of an erase or a program; the others came at any time. */
  inFlash: number;
  erases: number;
}

export async function fillStore(driver: Driver): Promise<void> {
  for (let n = 0; n < FILLERS; n += 1) {
    const { reply } = await driver.ask(
      "store_set",
      { key: `filler${n}`, value: `${n % 10}`.repeat(FILLER_BYTES) },
      false,
    );
    if (reply !== "answer") driver.fail(`store_set: ${reply}`);
  }
}

/**
 * Lets the power fail at points of random operations, half of them in the middle of a flash operation, and compares what
 * the board kept and restored with the model.
 *
 * @param restarted what makes a board begin anew that has lost its power in its flash; others do so by themselves
 */
export async function losePower(driver: Driver, flash: Flash, points: number): Promise<Loss> {
  const { host, source, done } = driver;
  const loss: Loss = { inFlash: 0, erases: 0 };
  const pauses: Pauses = done.map(() => 0);
  const { erase } = flash;
  let erasing = false;
  flash.erase = (address) => {
    erasing = true;
    const took = erase(address);
    erasing = false;
    return took;
  };
  const told = flash.onCut;
  flash.onCut = () => {
    loss.inFlash += 1;
    if (erasing) loss.erases += 1;
    driver.note("the power fails in the flash");
    driver.cut_ms = host.now_ms();
    told?.();
  };
  for (let n = 0; n < points; n += 1) {
    const before = loss.inFlash;
    if (source.uniform() < 0.5) flash.cutAt(flash.operations() + Math.floor(source.uniform() * 6));
    const rounds = 1 + Math.floor(source.uniform() * ROUNDS);
    try {
      for (let round = 0; round < rounds; round += 1) {
        for (const index of done.keys()) {
          if ((pauses[index] ?? 0) <= host.now_ms()) await operate(driver, index, pauses, false, KEEPING);
        }
      }
      await host.run(Math.floor(source.uniform() * 400));
      if (driver.cut_ms !== undefined) throw new PowerLost();
      driver.compare();
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
    }
    flash.cutAt(-1);
    const cut_ms = driver.cut_ms;
    if (loss.inFlash > before && cut_ms !== undefined) {
      await host.run(5);
      await driver.begunAnew([cut_ms - 1, host.now_ms()]);
    } else await driver.outage();
    if (source.uniform() < 0.3) await driver.settle();
  }
  return loss;
}
