import type { SupplyClass } from "./types.ts";

/**
 * Classes of targets. The class of a channel is built in: which of its two fuse places is fitted, and its gate resistor.
 * Every part of a channel is rated for the higher class.
 */
export const supplyClasses = {
  five: { name: "5 V", nominal_v: 5, min_v: 4.75, max_v: 5.5 },
  twelve: { name: "12 V", nominal_v: 12, min_v: 11.4, max_v: 13.2 },
} satisfies Record<string, SupplyClass>;
