import { INA226 } from "@mltb/hardware";
import { indexAfter, rowsMissing } from "../device/row-index.ts";
import { atOnce, pieces, type Steps } from "../steps.ts";
import { interpolator } from "./integral.ts";
import { type EnergyWindow, type Series, windowSteps } from "./window.ts";

/** Longest recording: 30 minutes at 1 kHz, voltages at 100 Hz. Later samples are counted as lost, later voltages as dropped. */
const SAMPLES_MAX = 1_800_000;
export const VOLTAGES_MAX = 180_000;
/** Edges of the marker: the header of the file must hold them. Later ones are counted as dropped, and make no window. */
export const MARKERS_MAX = 50_000;

/** What a recording had no room for. */
export interface Dropped {
  voltages: number;
  markers: number;
}

export interface RecordingResult {
  rate_hz: number;
  samples: { received: number; lost: number };
  /** Times that the link was lost meanwhile. */
  links_lost: number;
  dropped: Dropped;
  markers: { level: number; tick_us: number }[];
  trace: { first_tick_us: number; period_us: number; current_a: number[]; voltage_v: number[] };
  windows: EnergyWindow[];
}

/** A block of samples: index of the first one, device time at the end of its interval. */
export interface Block {
  first: number;
  end_us: number;
  rows: number;
}

/** How a recording's file stores amperes and volts beside `amps_per_code`: code x factor + offset. */
export interface Codes {
  current_offset_a: number;
  volts_per_code: number;
  voltage_offset_v: number;
}

const plainCodes: Codes = { current_offset_a: 0, volts_per_code: INA226.bus_lsb_v, voltage_offset_v: 0 };

/** Samples, voltages and marker edges of one rail in device time, from start to stop. */
export class Recording {
  readonly blocks: Block[] = [];
  readonly codes: Codes;
  private readonly series: Series;
  private nextIndex: number | undefined;
  private nextEnd_us = 0;
  private lost = 0;
  /** Nothing is taken behind the first sample that found no room. */
  private full = false;
  readonly dropped: Dropped = { voltages: 0, markers: 0 };
  private shift_us = 0;

  /** @param codes what else turns the codes of the file into amperes and volts */
  constructor(ampsPerCode: number, codes: Partial<Codes> = {}) {
    this.codes = { ...plainCodes, ...codes };
    this.series = {
      period_us: 1000,
      amps_per_code: ampsPerCode,
      times: [],
      currents: [],
      voltageTimes: [],
      voltages: [],
      markers: [],
      gaps: [],
      restarts: [],
      linkLosses: [],
    };
  }

  /** A block of samples. `tick_us`: device time at the end of the first row's interval. */
  samples(first: number, tick_us: number, period_us: number, currents_a: ArrayLike<number>): void {
    const { series } = this;
    const end_us = tick_us + this.shift_us;
    series.period_us = period_us;
    // Where the stream began anew its indices say nothing about the time between, the device's clock does.
    const missing =
      this.nextIndex === undefined
        ? 0
        : (rowsMissing(first, this.nextIndex) ?? Math.max(1, Math.round((end_us - this.nextEnd_us) / period_us)));
    this.lost += missing;
    this.nextIndex = indexAfter(first, currents_a.length);
    this.nextEnd_us = end_us + currents_a.length * period_us;
    this.full ||= series.times.length + currents_a.length > SAMPLES_MAX;
    if (this.full) {
      this.lost += currents_a.length;
      return;
    }
    if (missing > 0) series.gaps.push({ at_us: end_us, rows: missing });
    this.blocks.push({ first, end_us, rows: currents_a.length });
    for (let i = 0; i < currents_a.length; i += 1) {
      // The converter gives the mean over its interval: the value belongs to the middle.
      series.times.push(end_us + (i - 0.5) * period_us);
      series.currents.push(onGrid(currents_a[i] as number, series.amps_per_code, this.codes.current_offset_a));
    }
  }

  voltage(tick_us: number, voltage_v: number): void {
    const { voltages, voltageTimes } = this.series;
    if (voltages.length >= VOLTAGES_MAX) {
      this.dropped.voltages += 1;
      return;
    }
    voltageTimes.push(tick_us + this.shift_us);
    voltages.push(onGrid(voltage_v, this.codes.volts_per_code, this.codes.voltage_offset_v));
  }

  marker(level: number, tick_us: number): void {
    const { markers } = this.series;
    if (markers.length >= MARKERS_MAX) {
      this.dropped.markers += 1;
      return;
    }
    markers.push({ level, tick_us: tick_us + this.shift_us });
  }

  /** The board has started anew: its clock begins at 0 again, and no window reaches across. */
  restarted(): void {
    this.shift_us = 1 + this.latest_us();
    this.anew(this.shift_us);
  }

  /** The link was lost behind this time of the recording, and with it what came there: no window is known to reach across. */
  linkLost(at_us = this.latest_us()): void {
    this.series.linkLosses.push(at_us);
  }

  private latest_us(): number {
    const { times, voltageTimes, markers } = this.series;
    return Math.max(0, times.at(-1) ?? 0, voltageTimes.at(-1) ?? 0, markers.at(-1)?.tick_us ?? 0);
  }

  /** Nothing reaches across this time of the recording. */
  anew(at_us: number): void {
    this.series.restarts.push(at_us);
    this.nextIndex = undefined;
  }

  /** Device time of the last sample, to tell whether everything before an edge has arrived. */
  lastSample_us(): number {
    return this.series.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  lastMarker_us(): number {
    return this.series.markers.at(-1)?.tick_us ?? Number.NEGATIVE_INFINITY;
  }

  /** What was recorded, as it came. */
  raw(): Readonly<Series> {
    return this.series;
  }

  result(): RecordingResult {
    return atOnce(this.resultSteps());
  }

  /** The same, step by step: a recording may have millions of samples. */
  *resultSteps(): Steps<RecordingResult> {
    const { times, currents, voltageTimes, voltages, period_us, markers } = this.series;
    const current_a: number[] = [];
    const voltage_v: number[] = [];
    const voltageAt = interpolator(voltageTimes, voltages);
    for (const [from, to] of pieces(times.length)) {
      for (let k = from; k < to; k += 1) {
        current_a.push(round(currents[k] as number, 1e6));
        voltage_v.push(round(voltageAt(times[k] as number), 1e4));
      }
      yield;
    }
    return {
      rate_hz: 1e6 / period_us,
      samples: this.samplesSeen(),
      links_lost: this.series.linkLosses.length,
      dropped: { ...this.dropped },
      markers,
      trace: { first_tick_us: times[0] ?? 0, period_us, current_a, voltage_v },
      windows: yield* this.windowSteps(),
    };
  }

  samplesSeen(): RecordingResult["samples"] {
    return { received: this.series.times.length, lost: this.lost };
  }

  /** The windows alone. */
  windows(): EnergyWindow[] {
    return atOnce(this.windowSteps());
  }

  /** The same, step by step. */
  windowSteps(): Steps<EnergyWindow[]> {
    return windowSteps(this.series);
  }
}

/**
 * The value as the recording's file gives it back. Scales follow the board's temperature while it records; the file has those of its
 * beginning, and what is computed from either must be the same.
 */
function onGrid(value: number, factor: number, offset: number): number {
  return Math.round((value - offset) / factor) * factor + offset;
}

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}
