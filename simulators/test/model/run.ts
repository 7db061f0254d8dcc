import type { Driver } from "./driver-types.ts";
import { operate, type Pauses, storm } from "./operations.ts";

export interface RunOptions {
  /** Operations on each channel. */
  operations: number;
  /** Channels whose load stays as it is, from 0. */
  fixed?: number[];
  /** Outages, storms and silences in a thousand rounds. */
  often?: { outage: number; storm: number; silence: number };
}

const OFTEN = { outage: 10, storm: 30, silence: 4 };

/** Rounds of one operation on every channel, with pauses, storms, outages and silences between them. */
export async function runModel(driver: Driver, options: RunOptions): Promise<void> {
  const { host, source, done } = driver;
  const often = options.often ?? OFTEN;
  const pauses: Pauses = done.map(() => 0);
  while (Math.min(...done) < options.operations) {
    for (const index of done.keys()) {
      if ((pauses[index] ?? 0) > host.now_ms()) continue;
      await operate(driver, index, pauses, options.fixed?.includes(index) === true);
    }
    let chance = source.uniform() * 1000;
    const next = (weight: number): boolean => {
      chance -= weight;
      return chance < 0 && chance >= -weight;
    };
    if (next(often.outage)) await driver.outage();
    else if (next(often.storm)) await storm(driver);
    else if (next(often.silence)) await driver.silence();
    else if (next(30)) await driver.settle();
    else if (next(400)) {
      await host.run(Math.floor(source.uniform() * 40));
      driver.compare();
    }
  }
  await driver.settle();
}
