import type { I2cBus } from "./i2c.ts";

/** Nine clocks of 10 us and a stop condition, as the C runtime takes. */
export const RECOVERY_US = 110;
const CLOCKS = 9;

/** Transfers that were not acknowledged; times that a held bus was freed, and that it stayed held. */
export interface BusCounts {
  failed: number;
  recovered: number;
  stuck: number;
}

/** The runtime's recovery of a held bus, in Node: clocks until the part lets go of SDA (UM10204, 3.1.16). */
export interface Recovery {
  counts: BusCounts;
  /** False when the bus stays held. */
  free(bus: I2cBus): boolean;
}

export function createRecovery(): Recovery {
  const counts: BusCounts = { failed: 0, recovered: 0, stuck: 0 };
  return {
    counts,
    free(bus) {
      for (let n = 0; n < CLOCKS && bus.held(); n += 1) bus.pulse();
      if (bus.held()) counts.stuck += 1;
      else counts.recovered += 1;
      return !bus.held();
    },
  };
}
