import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, ChannelState, Fault, TripSource } from "@mltb/protocol";
import { idiv } from "#platform";
import type { Calibrations } from "./calibration.ts";
import type { Monitors } from "./monitors.ts";
import type { Power } from "./power.ts";
import type { Reading } from "./readings.ts";
import type { AllSettings, Settings } from "./settings.ts";

/** Sweeps over which the two currents are compared, and comparisons in a row that must fail. */
const COMPARED_SWEEPS = 32;
const COMPARISONS = 2;

/** Software limits of the channels, judged with every sweep. */
export interface Watch {
  swept(this: void, power: Power, now_ms: number): void;
}

/**
 * Over-voltage, under-voltage and reverse current open a switch with the first reading beyond the limit: a sweep every 10 ms
 * and 2 ms for it keep that below 20 ms.
 *
 * Of the two currents the monitor's is a short look at each sweep, the fast one is there all the time. So the mean of the
 * monitor's looks must lie between the lowest and the highest code of the fast converter, widened by the channel's
 * `drift_ma`: a load that changes in step with the sweep does not look like a sensor that has drifted.
 */
export function createWatch(
  hal: Hal,
  board: MonitoringBoard,
  settings: AllSettings,
  monitors: Monitors,
  calibrations: Calibrations,
  session: () => BoardSession,
): Watch {
  const count = board.channels.length;
  const fast = board.fast_current;
  const sums_ua: number[] = [];
  /** Readings summed so far; below zero where the channel was not on all the time. */
  const looks: number[] = [];
  const failed: number[] = [];
  const step_ua: number[] = [];
  for (const { shunt_ohm } of board.channels) {
    sums_ua.push(0);
    looks.push(0);
    failed.push(0);
    step_ua.push((fast.full_scale_v * 1000000) / fast.full_scale_code / fast.amplifier_gain / shunt_ohm);
  }
  let sweeps = 0;

  function trip(power: Power, index: number, fault: number, current_ua: number, now_ms: number): void {
    session().event("trip", {
      channel: index + 1,
      fault,
      source: TripSource.firmware,
      tick_us: hal.ticks_us(),
      current_ma: idiv(current_ua, 1000),
    });
    power.trip(index, fault, now_ms);
  }

  function compare(power: Power, now_ms: number): void {
    sweeps = 0;
    const range = hal.sampler_range === undefined ? undefined : hal.sampler_range();
    for (let i = 0; i < count; i += 1) {
      const { drift_ma } = settings.channels[i] as Settings;
      const mean_ua = idiv(sums_ua[i] as number, COMPARED_SWEEPS);
      if (range !== undefined && drift_ma > 0 && looks[i] === COMPARED_SWEEPS) {
        const [low, high] = string.unpack("<i2i2", range, 4 * i + 1);
        const low_ua = calibrations.fast_ua(i, idiv(low * (step_ua[i] as number), 1));
        const high_ua = calibrations.fast_ua(i, idiv(high * (step_ua[i] as number), 1));
        const beyond = mean_ua > high_ua + drift_ma * 1000 || mean_ua < low_ua - drift_ma * 1000;
        failed[i] = beyond ? (failed[i] as number) + 1 : 0;
        if (failed[i] === COMPARISONS) trip(power, i, Fault.sensor_drift, mean_ua, now_ms);
      } else failed[i] = 0;
      sums_ua[i] = 0;
      looks[i] = 0;
    }
  }

  return {
    swept(this: void, power: Power, now_ms: number): void {
      const sweep = monitors.sweep();
      sweeps += 1;
      for (let i = 0; i < count; i += 1) {
        const seen = monitors.readings[i] as Reading;
        if (!power.closed(i) || seen.sweep !== sweep || sweep <= power.control(i).sweepAtSwitch) continue;
        const { voltage_mv, current_ua } = seen;
        const of = settings.channels[i] as Settings;
        const on = power.state(i) === ChannelState.on;
        if (of.over_mv > 0 && voltage_mv > of.over_mv) trip(power, i, Fault.over_voltage, current_ua, now_ms);
        else if (on && voltage_mv < of.under_mv) trip(power, i, Fault.under_voltage, current_ua, now_ms);
        else if (of.reverse_ma > 0 && current_ua < -of.reverse_ma * 1000) {
          trip(power, i, Fault.reverse_current, current_ua, now_ms);
        } else if (on) {
          sums_ua[i] = (sums_ua[i] as number) + current_ua;
          looks[i] = (looks[i] as number) + 1;
        }
      }
      if (sweeps === COMPARED_SWEEPS) compare(power, now_ms);
    },
  };
}
