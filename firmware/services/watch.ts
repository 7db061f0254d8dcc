import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, ChannelState, Fault, TripSource } from "@mltb/protocol";
import { idiv } from "#platform";
import type { Calibrations } from "./calibration.ts";
import type { Monitors } from "./monitors.ts";
import { IDLE, type Power, type Waiting } from "./power.ts";
import type { Reading } from "./readings.ts";
import type { AllSettings, Settings } from "./settings.ts";

/** Sweeps over which the two currents are compared, every how many are looked at, and comparisons in a row that must fail. */
const COMPARED_SWEEPS = 32;
const LOOK_EVERY = 4;
const LOOKS = 8;
const FAR = 0x7fffffff;
const COMPARISONS = 2;

/** Twice what "off" is proved by: noise on a reading that was just below that is no fault. */
const LIVE_MV = 500;
/** Half of the nominal voltage: with less a channel is not on, whatever limit is set. */
const LOST_MV = 2500;
const LIVE_UA = 10000;

/** Software limits of the channels, judged with every sweep. */
export interface Watch {
  swept(this: void, power: Power, now_ms: number): void;
}

/**
 * Over-voltage, under-voltage and reverse current open a switch with the first reading beyond the limit: a sweep every 10 ms
 * and 2 ms for it keep that below 20 ms.
 *
 * A channel that is on and loses its rail has an under-voltage, with or without a limit of its own: a switch that failed open, or
 * a supply that is gone.
 *
 * A channel that was proved off, by command or after a trip, and carries voltage or current again, as through a switch that has
 * failed, is off no longer: `off-unproved`, within 60 ms. Of one that floats only the current says so.
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
  /** Limits as every sweep compares them: where there is none, a value that no reading reaches. */
  const most_mv: number[] = [];
  const least_mv: number[] = [];
  const least_ua: number[] = [];
  settings.onChange = (): void => {
    for (let i = 0; i < count; i += 1) {
      const { over_mv, under_mv, reverse_ma } = settings.channels[i] as Settings;
      most_mv[i] = over_mv > 0 ? over_mv : FAR;
      least_mv[i] = under_mv > LOST_MV ? under_mv : LOST_MV;
      least_ua[i] = reverse_ma > 0 ? -reverse_ma * 1000 : -FAR;
    }
  };
  settings.onChange();

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
      const mean_ua = idiv(sums_ua[i] as number, LOOKS);
      if (range !== undefined && drift_ma > 0 && looks[i] === LOOKS) {
        const [low, high] = string.unpack("<i2i2", range, 4 * i + 1);
        const low_ua = calibrations.fast_ua(i, Math.floor(low * (step_ua[i] as number)));
        const high_ua = calibrations.fast_ua(i, Math.floor(high * (step_ua[i] as number)));
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
      const { readings } = monitors;
      const { controls } = power;
      sweeps += 1;
      const look = sweeps % LOOK_EVERY === 0;
      for (let i = 0; i < count; i += 1) {
        const control = controls[i] as Waiting;
        const seen = readings[i] as Reading;
        const { voltage_mv, current_ua } = seen;
        if (!control.closed) {
          const live = current_ua > LIVE_UA || (voltage_mv > LIVE_MV && !control.floating);
          if (look && live && seen.sweep === sweep && control.phase === IDLE)
            if (control.state === ChannelState.off || control.fault !== Fault.off_unproved)
              trip(power, i, Fault.off_unproved, current_ua, now_ms);
          continue;
        }
        const beyond =
          voltage_mv > (most_mv[i] as number) ||
          voltage_mv < (least_mv[i] as number) ||
          current_ua < (least_ua[i] as number);
        if (!look && !beyond) continue;
        // A reading from before the switch moved, or one that did not come, says nothing.
        if (seen.sweep !== sweep || sweep <= control.sweepAtSwitch) continue;
        const on = control.state === ChannelState.on;
        if (voltage_mv > (most_mv[i] as number)) trip(power, i, Fault.over_voltage, current_ua, now_ms);
        else if (on && voltage_mv < (least_mv[i] as number)) trip(power, i, Fault.under_voltage, current_ua, now_ms);
        else if (current_ua < (least_ua[i] as number)) trip(power, i, Fault.reverse_current, current_ua, now_ms);
        else if (on && look) {
          sums_ua[i] = (sums_ua[i] as number) + current_ua;
          looks[i] = (looks[i] as number) + 1;
        }
      }
      if (sweeps === COMPARED_SWEEPS) compare(power, now_ms);
    },
  };
}
