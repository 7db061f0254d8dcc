import { type BudgetTerm, windowBudget } from "./budget.ts";
import { energyBetween, interpolate } from "./window.ts";

/** Longest recording: 30 minutes at 1 kHz. Later samples are counted as lost. */
const SAMPLES_MAX = 1_800_000;
/** Time on both sides of a window that shows the power outside it. */
const OUTSIDE_US = 20_000;

export interface EnergyWindow {
  start_tick: number;
  stop_tick: number;
  duration_us: number;
  energy_uj: number;
  mean_power_w: number;
  samples_lost: number;
  terms: BudgetTerm[];
}

export interface RecordingResult {
  rate_hz: number;
  samples: { received: number; lost: number };
  markers: { level: number; tick_us: number }[];
  trace: { first_tick_us: number; period_us: number; current_a: number[]; voltage_v: number[] };
  windows: EnergyWindow[];
}

/** Samples, voltages and marker edges of one target in device time, from start to stop. */
export class Recording {
  private readonly times: number[] = [];
  private readonly currents: number[] = [];
  private readonly voltageTimes: number[] = [];
  private readonly voltages: number[] = [];
  private readonly markers: { level: number; tick_us: number }[] = [];
  private readonly gaps: { at_us: number; rows: number }[] = [];
  private readonly ampsPerCode: number;
  private period_us = 1000;
  private nextIndex: number | undefined;
  private nextEnd_us = 0;
  private lost = 0;

  constructor(ampsPerCode: number) {
    this.ampsPerCode = ampsPerCode;
  }

  /** A block of samples. `end_us`: device time at the end of the first row's interval. */
  samples(first: number, end_us: number, period_us: number, currents_a: ArrayLike<number>): void {
    this.period_us = period_us;
    if (this.nextIndex !== undefined && first > this.nextIndex) {
      this.gaps.push({ at_us: end_us, rows: first - this.nextIndex });
      this.lost += first - this.nextIndex;
    }
    if (this.nextIndex !== undefined && first < this.nextIndex) {
      // The stream began anew: its indices say nothing about the time between, the device's clock does.
      const rows = Math.max(1, Math.round((end_us - this.nextEnd_us) / period_us));
      this.gaps.push({ at_us: end_us, rows });
      this.lost += rows;
    }
    this.nextIndex = first + currents_a.length;
    this.nextEnd_us = end_us + currents_a.length * period_us;
    if (this.times.length + currents_a.length > SAMPLES_MAX) {
      this.lost += currents_a.length;
      return;
    }
    for (let i = 0; i < currents_a.length; i += 1) {
      // The converter gives the mean over its interval: the value belongs to the middle.
      this.times.push(end_us + (i - 0.5) * period_us);
      this.currents.push(currents_a[i] as number);
    }
  }

  voltage(tick_us: number, voltage_v: number): void {
    this.voltageTimes.push(tick_us);
    this.voltages.push(voltage_v);
  }

  marker(level: number, tick_us: number): void {
    this.markers.push({ level, tick_us });
  }

  /** Device time of the last sample, to tell whether everything before an edge has arrived. */
  lastSample_us(): number {
    return this.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  lastMarker_us(): number {
    return this.markers.at(-1)?.tick_us ?? Number.NEGATIVE_INFINITY;
  }

  result(): RecordingResult {
    const voltage = this.times.map((at) => interpolate(this.voltageTimes, this.voltages, at));
    return {
      rate_hz: 1e6 / this.period_us,
      samples: { received: this.times.length, lost: this.lost },
      markers: this.markers,
      trace: {
        first_tick_us: this.times[0] ?? 0,
        period_us: this.period_us,
        current_a: this.currents.map((value) => round(value, 1e6)),
        voltage_v: voltage.map((value) => round(value, 1e4)),
      },
      windows: this.windows(voltage),
    };
  }

  private windows(voltage: number[]): EnergyWindow[] {
    if (this.times.length < 2 || this.voltages.length === 0) return [];
    const found: EnergyWindow[] = [];
    let start: number | undefined;
    for (const marker of this.markers) {
      if (marker.level === 1) start = marker.tick_us;
      else if (start !== undefined) {
        found.push(this.window(start, marker.tick_us, voltage));
        start = undefined;
      }
    }
    return found;
  }

  private window(start: number, stop: number, voltage: number[]): EnergyWindow {
    const power = Float64Array.from(this.currents, (current, k) => current * (voltage[k] as number));
    const series = { first_us: this.times[0] as number, period_us: this.period_us, power_w: power };
    // With gaps the samples are not uniform any more: the index of a time must follow the times themselves.
    const energy_uj =
      this.gaps.length === 0 ? energyBetween(series, start, stop) : this.energyOverGaps(power, start, stop);
    const duration_us = stop - start;
    const inside = energy_uj / duration_us;
    const outside =
      this.meanPower(power, start - OUTSIDE_US, start) ?? this.meanPower(power, stop, stop + OUTSIDE_US) ?? inside;
    const mean_voltage_v = interpolate(this.voltageTimes, this.voltages, (start + stop) / 2);
    return {
      start_tick: start,
      stop_tick: stop,
      duration_us,
      energy_uj,
      mean_power_w: inside,
      samples_lost: this.gaps
        .filter((gap) => gap.at_us > start && gap.at_us <= stop)
        .reduce((sum, gap) => sum + gap.rows, 0),
      terms: windowBudget({
        energy_uj,
        duration_us,
        mean_voltage_v,
        mean_current_a: inside / mean_voltage_v,
        period_us: this.period_us,
        amps_per_code: this.ampsPerCode,
        swing_w: inside - outside,
      }),
    };
  }

  private energyOverGaps(power: Float64Array, start: number, stop: number): number {
    const values = [...power];
    const value = (at: number): number => interpolate(this.times, values, at);
    let sum = 0;
    let at = start;
    for (const time of this.times) {
      if (time <= start) continue;
      const next = Math.min(time, stop);
      sum += ((value(at) + value(next)) / 2) * (next - at);
      at = next;
      if (next >= stop) break;
    }
    return sum + value(stop) * Math.max(0, stop - at);
  }

  private meanPower(power: Float64Array, from: number, to: number): number | undefined {
    let sum = 0;
    let count = 0;
    for (let k = 0; k < this.times.length; k += 1) {
      const at = this.times[k] as number;
      if (at >= from && at < to) {
        sum += power[k] as number;
        count += 1;
      }
    }
    return count === 0 ? undefined : sum / count;
  }
}

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}
