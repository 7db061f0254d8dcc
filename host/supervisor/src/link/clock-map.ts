import { createTickCounter } from "../energy/ticks.ts";

/** Exchanges that the regression looks back on: about half a minute of pings. */
const KEPT = 128;
/** Exchanges needed before the map says anything. */
const LEAST = 4;
/** Exchanges that took longer than the quickest by more than this were held up somewhere and say little. */
const QUEUED_MS = 1.5;
/** Behind a silence of this length what was before says nothing any more, and the tick may have wrapped meanwhile. */
const SILENT_MS = 60_000;

/** How well the map knows the board's clock. */
export interface ClockQuality {
  exchanges: number;
  /** Deviation of the board's clock from the host's, in parts per million; positive when it is fast. */
  drift_ppm: number;
  /** Root mean square of what the regression leaves over. */
  residual_us: number;
  /** Half of the quickest round trip: no offset can be known better than this if the way there and back differ. */
  bound_us: number;
}

/** The board's clock on the host's time, by linear regression over pings and pongs (NTP's assumption: both ways take equally long). */
export interface ClockMap {
  /** An exchange: host times in milliseconds, the board's tick in its pong. */
  exchange(sent_ms: number, heard_ms: number, tick_us: number): void;
  /** Host time of a device tick near the present, undefined while the map is not good yet. */
  hostTime_ms(tick_us: number): number | undefined;
  quality(): ClockQuality | undefined;
  /** The board has restarted. */
  forget(): void;
}

interface Fit {
  /** Microseconds of the board for a millisecond of the host. */
  slope: number;
  host_ms: number;
  device_us: number;
  quality: ClockQuality;
}

interface Exchange {
  host_ms: number;
  device_us: number;
  round_trip_ms: number;
}

export function createClockMap(): ClockMap {
  let list: Exchange[] = [];
  let ticks = createTickCounter();
  let fit: Fit | undefined;
  /** There are exchanges that the fit knows nothing of: most are never asked about before the next one. */
  let stale = false;

  function regression(): Fit | undefined {
    const quickest = Math.min(...list.map((one) => one.round_trip_ms));
    const good = list.filter((one) => one.round_trip_ms <= quickest + QUEUED_MS);
    if (good.length < LEAST) return undefined;
    const mean = (value: (one: Exchange) => number): number =>
      good.reduce((sum, one) => sum + value(one), 0) / good.length;
    const host_ms = mean((one) => one.host_ms);
    const device_us = mean((one) => one.device_us);
    const spread = mean((one) => (one.host_ms - host_ms) ** 2);
    if (spread === 0) return undefined;
    const slope = mean((one) => (one.host_ms - host_ms) * (one.device_us - device_us)) / spread;
    const residual = mean((one) => (one.device_us - device_us - slope * (one.host_ms - host_ms)) ** 2);
    return {
      slope,
      host_ms,
      device_us,
      quality: {
        exchanges: good.length,
        drift_ppm: (slope / 1000 - 1) * 1e6,
        residual_us: Math.sqrt(residual),
        bound_us: quickest * 500,
      },
    };
  }

  function current(): Fit | undefined {
    if (stale) fit = regression();
    stale = false;
    return fit;
  }

  function forget(): void {
    list = [];
    ticks = createTickCounter();
    fit = undefined;
    stale = false;
  }

  return {
    forget,
    exchange(sent_ms, heard_ms, tick_us) {
      const before = list.at(-1)?.host_ms ?? sent_ms;
      if (sent_ms - before > SILENT_MS) forget();
      const device_us = ticks.wide(tick_us);
      list.push({ host_ms: (sent_ms + heard_ms) / 2, device_us, round_trip_ms: heard_ms - sent_ms });
      if (list.length > KEPT) list = list.slice(-KEPT);
      stale = true;
    },
    hostTime_ms(tick_us) {
      const fit = current();
      if (fit === undefined) return undefined;
      return fit.host_ms + (ticks.wide(tick_us) - fit.device_us) / fit.slope;
    },
    quality: () => current()?.quality,
  };
}
