import type { ErrorTerm } from "../types.ts";

/**
 * What stays of the chain's errors after the calibration of the board: shunt, amplifier and reference together. The
 * simulated parts draw their errors from these distributions, the uncertainty budget takes its terms from them.
 */
export const FAST_CURRENT_ERRORS: ErrorTerm[] = [
  {
    term: "gain",
    half_width: 0.002,
    unit: "relative",
    distribution: "rectangular",
    source: "shunt drift, amplifier and reference after calibration",
  },
  {
    term: "offset",
    half_width: 0.0002,
    unit: "ampere",
    distribution: "rectangular",
    source: "amplifier offset drift after calibration",
  },
  {
    term: "noise",
    half_width: 0.00025,
    unit: "ampere",
    distribution: "normal",
    source: "amplifier and converter, one sample at 1 kHz",
  },
];

/** The same for the bus voltage of the INA226. */
export const BUS_VOLTAGE_ERRORS: ErrorTerm[] = [
  {
    term: "voltage gain",
    half_width: 0.001,
    unit: "relative",
    distribution: "rectangular",
    source: "INA226 bus gain error, data-sheet maximum",
  },
  {
    term: "voltage offset",
    half_width: 0.002,
    unit: "volt",
    distribution: "rectangular",
    source: "INA226 bus offset after calibration",
  },
];
