import type { FloorBoard } from "../types.ts";

/**
 * The floor board: two switched and measured channels on a small controller, without a 74HC595 chain and without a fast
 * converter. Pins are those of its connector; which port of a controller each is stands in `floor-machines.ts`. Revision A.
 */
export const floorBoard: FloorBoard = {
  kind: "floor",
  revision: "a",
  channels: [
    { number: 1, monitor_address: 0x10, shunt_ohm: 0.0003, switch_pin: 0, discharge_pin: 1, reset_pin: 2 },
    { number: 2, monitor_address: 0x11, shunt_ohm: 0.0003, switch_pin: 3, discharge_pin: 4, reset_pin: 5 },
  ],
  nominal_v: 5,
  limits: {
    on_tolerance: 0.1,
    on_within_ms: 400,
    off_below_v: 0.25,
    // A code of the monitor is 50 mA with this shunt: off is proved to the first code.
    off_below_a: 0.075,
    off_within_ms: 500,
    rated_a: 2.8,
    slow_ms: 60,
  },
  monitor_bus: 0,
  thermometer_address: 0x48,
};
