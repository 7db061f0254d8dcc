import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, type Body, Fault, Refusal, TripSource } from "@mltb/protocol";
import { alertFlag, setAlertLimit } from "../drivers/ina226.ts";
import type { Handed } from "./handover.ts";
import type { Power, SlowProtection, Waiting } from "./power.ts";
import type { Storage } from "./storage.ts";

/** Records of the store, by channel from 0. */
const KEY = "limits";
const RECORD = "<I2I2I2I2I2";
const RECORD_BYTES = 10;

/** What protection needs of the power service, which in turn asks it for limits. */
type Switches = Pick<Power, "controls" | "trip">;

/** Over-current limits of a channel, as `limits_answer` tells them. */
export interface Limits {
  channel: number;
  hard_ma: number;
  slow_ma: number;
  slow_ms: number;
  inrush_ma: number;
  inrush_ms: number;
  /** Until when the inrush limit is in force. */
  inrushUntil_ms: number;
}

export interface Protection extends SlowProtection {
  /** Sets, and stores, the limits of a channel; a refusal code, or 0. */
  set(this: void, index: number, body: Body): number;
  answer(this: void, index: number, tag: number): void;
  /** The limits of every channel. */
  all: Limits[];
  /** Channels within their inrush time: while there are any, `tick` must not wait for long. */
  rushing: number;
  /** The monitor of a channel was set up anew: its alert is armed. */
  arm(this: void, index: number): void;
  /** Takes what the hardware did; true when there was something. */
  tick(this: void, power: Switches, now_ms: number): boolean;
}

/**
 * Over-current protection: the hard limit stands in the monitor, whose alert pin opens the switch, and in the sampler's
 * compare; what they did is found out here. The slow limit is kept by the power service. Limits are those that the bundle
 * before has handed over, else the stored ones, else the board's own.
 *
 * @param busy whether nothing may be stored now
 * @param refuses a refusal code where the rack's budget has no room for more of a channel
 * @param onClosing told when a switch is about to close
 * @param onTripping told when one is about to be opened by a fault
 */
export function createProtection(
  hal: Hal,
  board: MonitoringBoard,
  session: () => BoardSession,
  before: Handed[] | undefined,
  storage: Storage,
  busy: (this: void) => boolean,
  refuses: (this: void, index: number, more_ma: number) => number,
  onClosing: (this: void, now_ms: number) => void,
  onTripping: (this: void, index: number) => void,
): Protection {
  const all: Limits[] = [];
  /**
   * The line was still low after the flags were read: another monitor has asserted meanwhile. At the start one may have asserted
   * before: there is no edge of it any more, and what nobody reads keeps its switch open.
   */
  let alerted = true;
  const { fast_current: fast } = board;
  const hardest_ma = Math.floor(board.limits.hard_a * 1000);
  const ratedMost_ma = Math.floor(board.limits.rated_a * 1000);
  const inrushMost_ma = Math.floor(board.limits.inrush_a * 1000);
  let lowest_ua = ratedMost_ma * 1000;
  for (let i = 0; i < board.channels.length; i += 1) {
    const limits: Limits = {
      channel: i + 1,
      hard_ma: hardest_ma,
      slow_ma: ratedMost_ma,
      slow_ms: board.limits.slow_ms,
      inrush_ma: inrushMost_ma,
      inrush_ms: board.limits.inrush_ms,
      inrushUntil_ms: -1,
    };
    const stored = storage.get(KEY + i);
    if (stored !== undefined && stored.length === RECORD_BYTES) {
      [limits.hard_ma, limits.slow_ma, limits.slow_ms, limits.inrush_ma, limits.inrush_ms] = string.unpack(
        RECORD,
        stored,
      );
    }
    const kept = before === undefined ? undefined : before[i];
    if (kept !== undefined) {
      limits.hard_ma = kept.hard_ma;
      limits.slow_ma = kept.slow_ma;
      limits.slow_ms = kept.slow_ms;
      limits.inrush_ma = kept.inrush_ma;
      limits.inrush_ms = kept.inrush_ms;
    }
    all.push(limits);
    if (limits.slow_ma * 1000 < lowest_ua) lowest_ua = limits.slow_ma * 1000;
  }

  /** Puts a limit into the monitor and into the compare, which goes back to the hard one by itself after `for_ms`. */
  function apply(index: number, limit_ma: number, for_ms?: number): void {
    const channel = board.channels[index] as MonitoringBoard["channels"][0];
    const volts = (limit_ma * channel.shunt_ohm) / 1000;
    // The monitor first: its bus may be busy with a sweep, and an inrush profile counts from the compare's setting on.
    setAlertLimit(hal, board.monitor_bus, channel.monitor_address, volts);
    const code = Math.floor(((volts * fast.amplifier_gain) / fast.full_scale_v) * fast.full_scale_code);
    hal.trip_limit(index, code, for_ms);
  }

  function report(power: Switches, index: number, source: number, tick_us: number, now_ms: number): void {
    const limits = all[index] as Limits;
    // The event first: an answer that tells of the fault comes after its cause.
    session().event("trip", {
      channel: index + 1,
      fault: Fault.hard_over_current,
      source,
      tick_us,
      current_ma: limits.inrushUntil_ms >= 0 ? limits.inrush_ma : limits.hard_ma,
    });
    power.trip(index, Fault.hard_over_current, now_ms);
  }

  /**
   * The alert line is shared: the flag in the monitor says which channel it was. Every flag is read, also those of channels
   * that the sampler was quicker to open: an alert that nobody reads would hold the line, and hide the next one.
   */
  function findAlert(power: Switches, tick_us: number, now_ms: number): void {
    for (let i = 0; i < all.length; i += 1) {
      const { monitor_address } = board.channels[i] as { monitor_address: number };
      if (alertFlag(hal, board.monitor_bus, monitor_address) && (power.controls[i] as Waiting).closed) {
        report(power, i, TripSource.alert, tick_us, now_ms);
      }
    }
    alerted = hal.gpio_read(board.alert_pin) === 0;
  }

  const protection: Protection = {
    rushing: 0,
    set(this: void, index: number, body: Body): number {
      const limits = all[index] as Limits;
      const next = body as unknown as Limits;
      const { hard_ma, slow_ma, slow_ms, inrush_ma, inrush_ms } = next;
      if (hard_ma < 1 || hard_ma > hardest_ma || slow_ma < 1 || slow_ma > hard_ma) return Refusal.bad_value;
      const beyond = slow_ma > ratedMost_ma || inrush_ms > board.limits.inrush_ms;
      if (beyond || (inrush_ms > 0 && (inrush_ma < hard_ma || inrush_ma > inrushMost_ma))) return Refusal.bad_value;
      const more_ma = slow_ma - limits.slow_ma;
      const refusal = more_ma > 0 ? refuses(index, more_ma) : 0;
      if (refusal !== 0) return refusal;
      const record = string.pack(RECORD, hard_ma, slow_ma, slow_ms, inrush_ma, inrush_ms);
      if (storage.get(KEY + index) !== record) {
        if (busy()) return Refusal.busy;
        if (!storage.set(KEY + index, record)) return Refusal.not_stored;
      }
      if (limits.inrushUntil_ms >= 0) protection.rushing -= 1;
      next.inrushUntil_ms = -1;
      all[index] = next;
      lowest_ua = slow_ma * 1000;
      for (const other of all) if (other.slow_ma * 1000 < lowest_ua) lowest_ua = other.slow_ma * 1000;
      apply(index, hard_ma);
      return 0;
    },
    answer(this: void, index: number, tag: number): void {
      session().answer(tag, "limits_answer", all[index] as Limits);
    },
    all,
    closing(this: void, index: number, now_ms: number): void {
      onClosing(now_ms);
      const limits = all[index] as Limits;
      if (limits.inrush_ms === 0) return;
      if (limits.inrushUntil_ms < 0) protection.rushing += 1;
      limits.inrushUntil_ms = now_ms + limits.inrush_ms;
      apply(index, limits.inrush_ma, limits.inrush_ms);
    },
    tripping: onTripping,
    arm(this: void, index: number): void {
      apply(index, (all[index] as Limits).hard_ma);
    },
    slow_ua(this: void, index: number): number {
      return (all[index] as Limits).slow_ma * 1000;
    },
    slow_ms(this: void, index: number): number {
      return (all[index] as Limits).slow_ms;
    },
    lowest_ua(this: void): number {
      return lowest_ua;
    },
    tick(this: void, power: Switches, now_ms: number): boolean {
      let tripped = false;
      while (true) {
        const [index, tick_us] = hal.trip_take();
        if (index === undefined) break;
        tripped = true;
        if (index < 0) findAlert(power, tick_us, now_ms);
        // The alert may have been quicker: one trip, one report, one waveform.
        else if ((power.controls[index] as Waiting).closed) report(power, index, TripSource.sampler, tick_us, now_ms);
      }
      if (alerted) findAlert(power, hal.ticks_us(), now_ms);
      if (protection.rushing === 0) return tripped;
      for (let i = 0; i < all.length; i += 1) {
        const limits = all[i] as Limits;
        if (limits.inrushUntil_ms < 0 || now_ms < limits.inrushUntil_ms) continue;
        limits.inrushUntil_ms = -1;
        protection.rushing -= 1;
        apply(i, limits.hard_ma);
      }
      return tripped;
    },
  };
  return protection;
}
