import { monitoringPower } from "@mltb/hardware";
import { type Random, random } from "./random.ts";

/** Electrical facts of a channel's power path and of what hangs on it. */
export interface RailModel {
  /** Open-circuit voltage of the supply. */
  supply_v: number;
  /** Supply, switch and shunt in series. */
  series_ohm: number;
  capacitance_uf: number;
  /** Soft start: the switch lets the voltage rise no faster than this, so inrush is C x slew. */
  slew_v_per_ms: number;
  discharge_ohm: number;
  /** What drains the capacitance when everything is off. */
  leakage_ohm: number;
  /** Ripple of the load current, as a share of it, and its frequency. */
  ripple: number;
  ripple_hz: number;
}

export const defaultRail: RailModel = {
  supply_v: 5.08,
  series_ohm: 0.085,
  capacitance_uf: 470,
  ...monitoringPower,
  leakage_ohm: 20_000,
  ripple: 0.01,
  ripple_hz: 137,
};

/** What can break in a channel's power path; nothing tells the firmware but its measurements. */
export type PathFault = "none" | "stuck-on" | "stuck-off" | "short";

/** A bolted short at the connector, with the resistance of its leads. */
const SHORT_OHM = 0.05;
/** What feeds back has a voltage that is this much above the supply's at most. */
const FEED_ABOVE_V = 0.4;
/** Voltage below which a computer stops drawing its working power. */
const BROWN_OUT_V = 3;
const STEP_S = 0.0001;

/** The true state of a rail. */
export interface Rail {
  voltage_v: number;
  /** Mean current through the shunt over the last step. */
  current_a: number;
  /** Largest current of a step since somebody set this to zero. */
  peak_a: number;
  /** Energy that has gone through the shunt into the rail. */
  energy_j: number;
  switchOn: boolean;
  discharge: boolean;
  /** `stuck-on` and `stuck-off`: a switch that does not follow its gate; `short`: between rail and ground at the target. */
  fault: PathFault;
  /** Load that a test or a user adds, as a constant current; below zero it feeds back into the board. */
  extra_a: number;
  /** What the supply has more than its model says. */
  extra_v: number;
  /** Of board and target together; the model's, until a test puts another target there. */
  capacitance_uf: number;
  /** Advances by `seconds` with the load drawing `power_w`; returns the mean current through the shunt. */
  step(seconds: number, power_w: number): number;
}

/**
 * Supply, switch with soft start, shunt, capacitance, discharge resistor and load. Each sub-step solves the RC network
 * exactly for a load current held during it, so the result is stable for any step; the shunt current is the load's plus
 * what charges the capacitance.
 */
export function createRail(model: RailModel, seed: number): Rail {
  const noise: Random = random(seed);
  let source_v = 0;
  let time_s = 0;

  const closed = (): boolean => rail.fault === "stuck-on" || (rail.switchOn && rail.fault !== "stuck-off");

  function load(power_w: number): number {
    if (rail.voltage_v < 0.3) return 0;
    const wave = 1 + model.ripple * Math.sin(2 * Math.PI * model.ripple_hz * time_s) + noise.normal(model.ripple / 4);
    const drawn = rail.voltage_v >= BROWN_OUT_V ? power_w / rail.voltage_v : rail.voltage_v / 1000;
    const extra = rail.extra_a < 0 && rail.voltage_v > model.supply_v + FEED_ABOVE_V ? 0 : rail.extra_a;
    return drawn * wave + extra;
  }

  function settle(seconds: number, power_w: number): number {
    const before = rail.voltage_v;
    const farad = rail.capacitance_uf * 1e-6;
    const shorted = rail.fault === "short" ? 1 / SHORT_OHM : 0;
    const drain = 1 / model.leakage_ohm + (rail.discharge ? 1 / model.discharge_ohm : 0) + shorted;
    const current = load(power_w);
    // A closed switch conducts both ways, but only a source at the target pushes current back.
    const conducts = closed() && (rail.extra_a < 0 || source_v > before - current * model.series_ohm - 1e-9);
    const conductance = drain + (conducts ? 1 / model.series_ohm : 0);
    const final = (conducts ? source_v / model.series_ohm : 0) / conductance - current / conductance;
    const after = Math.max(0, final + (before - final) * Math.exp((-seconds * conductance) / farad));
    rail.voltage_v = after;
    if (!conducts) return 0;
    const through = current + ((before + after) / 2) * drain + (farad * (after - before)) / seconds;
    return rail.extra_a < 0 ? through : Math.max(0, through);
  }

  const rail: Rail = {
    voltage_v: 0,
    current_a: 0,
    peak_a: 0,
    energy_j: 0,
    switchOn: false,
    discharge: false,
    fault: "none",
    extra_a: 0,
    extra_v: 0,
    capacitance_uf: model.capacitance_uf,
    step(seconds, power_w) {
      let charge = 0;
      let left = seconds;
      while (left > 1e-9) {
        const dt = Math.min(STEP_S, left);
        left -= dt;
        time_s += dt;
        source_v = closed()
          ? Math.min(
              model.supply_v + rail.extra_v,
              Math.max(source_v, rail.voltage_v) + model.slew_v_per_ms * dt * 1000,
            )
          : 0;
        const before = rail.voltage_v;
        const current = settle(dt, power_w);
        charge += current * dt;
        rail.energy_j += current * dt * ((before + rail.voltage_v) / 2);
      }
      rail.current_a = charge / seconds;
      rail.peak_a = Math.max(rail.peak_a, rail.current_a);
      return rail.current_a;
    },
  };
  return rail;
}
