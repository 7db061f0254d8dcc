import type { SlowLimits } from "@mltb/hardware";
import { type BoardSession, Cause, ChannelState, Fault, Outcome, PowerAction, Refusal } from "@mltb/protocol";
import { idiv } from "#platform";
import type { Handed, Switched } from "./handover.ts";
import type { Outputs } from "./outputs.ts";
import type { Reading, Readings } from "./readings.ts";

/** The limits that this service keeps, and who must know that a switch is about to close. */
export interface SlowProtection {
  closing(this: void, index: number, now_ms: number): void;
  /** The switch is about to be opened by a fault. */
  tripping(this: void, index: number): void;
  slow_ua(this: void, index: number): number;
  slow_ms(this: void, index: number): number;
  /** The lowest slow limit of all channels. */
  lowest_ua(this: void): number;
}

/** What a channel is waiting for. */
export const IDLE = 0;
const PROVING_ON = 1;
const PROVING_OFF = 2;
export const DWELL = 3;
const STATE_EVERY_MS = 1000;
/** Without sweeps channels are looked at this often. */
const LOOK_MS = 20;

/** What others may see, and put off, of a channel that waits. */
export interface Waiting extends Switched {
  state: number;
  /** What it is waiting for: IDLE where that is nothing, DWELL while it is off for a time and then goes on. */
  phase: number;
  deadline_ms: number;
  /** Readings up to this sweep were taken before the switch moved and prove nothing. */
  sweepAtSwitch: number;
}

interface Control extends Waiting {
  cause: number;
  seq: number;
  /** Since when the current is above the slow limit; -1 when it is not. */
  over_ms: number;
  /** Request that waits for the proof; 0 none. */
  tag: number;
  sent_ms: number;
}

export interface Power {
  /** Runs a command. `tag` 0 is local. Returns a refusal code, or 0. */
  command(
    this: void,
    index: number,
    action: number,
    off_ms: number,
    tag: number,
    cause: number,
    now_ms: number,
  ): number;
  rearm(this: void, index: number, fault: number, now_ms: number): number;
  tick(this: void, now_ms: number, fresh: boolean): void;
  /** Opens the switch and latches the fault. */
  trip(this: void, index: number, fault: number, now_ms: number): void;
  state(this: void, index: number): number;
  fault(this: void, index: number): number;
  /** Sends the state of every channel to a host that has just come. */
  announce(this: void, now_ms: number): void;
  answerState(this: void, index: number, tag: number): void;
  /** The channels' own records. */
  controls: Waiting[];
  /** Answers a request with a channel's state and the outcome. */
  answerOutcome(this: void, index: number, outcome: number, tag: number): void;
}

/**
 * Power of the channels. A state is what was proved by the channel's monitor: `on` inside the voltage band, `off` below
 * the thresholds. Sequences run here to their end whatever happens to the host; a newer command ends an older one.
 */
export function createPower(
  hal: Hal,
  board: { channels: unknown[]; nominal_v: number; limits: SlowLimits },
  outputs: Outputs,
  monitors: Readings,
  protection: SlowProtection,
  session: () => BoardSession,
  onChange: (this: void, index: number) => void,
  before: Handed[] | undefined,
): Power {
  const limits = board.limits;
  const low_mv = idiv(board.nominal_v * 1000 * (1 - limits.on_tolerance), 1);
  const high_mv = idiv(board.nominal_v * 1000 * (1 + limits.on_tolerance), 1);
  const off_mv = idiv(limits.off_below_v * 1000, 1);
  const off_ua = idiv(limits.off_below_a * 1000000, 1);
  const controls: Control[] = [];
  let looked_ms = 0;
  for (let i = 0; i < board.channels.length; i += 1) {
    // What the bundle before has switched stays so, and is proved anew.
    const kept = before === undefined ? undefined : before[i];
    const closed = kept?.closed === true;
    const floating = kept?.floating === true;
    const thenOn = kept?.thenOn === true;
    const fault = kept === undefined ? Fault.none : kept.fault;
    outputs.drive(i, closed, !closed && !floating);
    controls.push({
      state: fault === Fault.none ? ChannelState.unknown : ChannelState.fault,
      fault,
      cause: thenOn ? Cause.restore : Cause.start,
      seq: 0,
      phase: fault === Fault.off_unproved ? IDLE : closed ? PROVING_ON : PROVING_OFF,
      closed,
      floating,
      thenOn,
      dwell_ms: kept === undefined ? 0 : kept.dwell_ms,
      deadline_ms: 2000,
      sweepAtSwitch: 2,
      over_ms: -1,
      tag: 0,
      sent_ms: 0,
    });
  }

  function reading(index: number): Reading {
    return monitors.readings[index] as Reading;
  }

  function switchTo(index: number, on: boolean, floating: boolean): void {
    outputs.drive(index, on, !on && !floating);
    const control = controls[index] as Control;
    control.closed = on;
    control.floating = !on && floating;
    // A sweep that is under way may have read this channel already.
    control.sweepAtSwitch = monitors.sweep() + 1;
  }

  /** Everything that is known of a channel: each message takes its own fields of it. */
  function body(index: number, outcome: number) {
    const control = controls[index] as Control;
    const { voltage_mv, current_ua } = reading(index);
    return {
      channel: index + 1,
      outcome,
      state: control.state,
      fault: control.fault,
      switch_on: outputs.switched(index),
      reset_asserted: outputs.asserted(index),
      voltage_mv,
      current_ua,
      state_seq: control.seq,
      tick_us: hal.ticks_us(),
      cause: control.cause,
    };
  }

  function send(index: number, now_ms: number): void {
    (controls[index] as Control).sent_ms = now_ms;
    session().state("channel_state", `${index}`, body(index, Outcome.done));
  }

  function enter(index: number, state: number, now_ms: number): void {
    const control = controls[index] as Control;
    if (control.state !== state) {
      control.state = state;
      control.seq += 1;
      onChange(index);
    }
    send(index, now_ms);
  }

  function finish(index: number, outcome: number): void {
    const control = controls[index] as Control;
    if (control.tag === 0) return;
    const tag = control.tag;
    control.tag = 0;
    session().answer(tag, "power_answer", body(index, outcome));
  }

  function trip(index: number, fault: number, now_ms: number): void {
    const control = controls[index] as Control;
    protection.tripping(index);
    switchTo(index, false, false);
    control.fault = fault;
    control.cause = Cause.fault;
    // An open switch is proved to be off whoever opened it: over-current is what welds one shut.
    control.phase = fault === Fault.off_unproved ? IDLE : PROVING_OFF;
    control.deadline_ms = now_ms + limits.off_within_ms;
    control.thenOn = false;
    // A second fault is a change too.
    control.state = ChannelState.unknown;
    enter(index, ChannelState.fault, now_ms);
    finish(index, Outcome.fault);
  }

  function beginOn(index: number, now_ms: number): void {
    const control = controls[index] as Control;
    control.thenOn = false;
    control.phase = PROVING_ON;
    control.deadline_ms = now_ms + limits.on_within_ms;
    // A switch that is closed already has no inrush, and its over-current goes on.
    if (!control.closed) {
      control.over_ms = -1;
      protection.closing(index, now_ms);
    }
    switchTo(index, true, false);
    enter(index, ChannelState.changing, now_ms);
  }

  function beginOff(index: number, floating: boolean, now_ms: number): void {
    const control = controls[index] as Control;
    control.phase = PROVING_OFF;
    control.deadline_ms = now_ms + limits.off_within_ms;
    switchTo(index, false, floating);
    enter(index, ChannelState.changing, now_ms);
  }

  function prove(index: number, now_ms: number): void {
    const control = controls[index] as Control;
    const seen = reading(index);
    const fresh = seen.sweep > control.sweepAtSwitch;
    if (control.phase === PROVING_ON) {
      if (fresh && seen.voltage_mv >= low_mv && seen.voltage_mv <= high_mv) {
        control.phase = IDLE;
        enter(index, ChannelState.on, now_ms);
        finish(index, Outcome.done);
      } else if (now_ms >= control.deadline_ms) {
        trip(index, monitors.dead(index) ? Fault.sensor_dead : Fault.on_unproved, now_ms);
      }
    } else if (control.phase === PROVING_OFF) {
      const quiet = seen.current_ua < off_ua && seen.current_ua > -off_ua;
      if (fresh && quiet && (seen.voltage_mv < off_mv || (control.floating && outputs.switched(index) === 0))) {
        control.phase = control.thenOn ? DWELL : IDLE;
        if (control.state === ChannelState.fault) return;
        control.deadline_ms = now_ms + control.dwell_ms;
        enter(index, control.thenOn ? ChannelState.changing : ChannelState.off, now_ms);
        if (!control.thenOn) finish(index, Outcome.done);
      } else if (now_ms >= control.deadline_ms && (fresh || control.state !== ChannelState.fault)) {
        // Of one that has tripped a dead sensor says nothing until it is back.
        trip(index, monitors.dead(index) ? Fault.sensor_dead : Fault.off_unproved, now_ms);
      }
    } else if (control.phase === DWELL && now_ms >= control.deadline_ms) {
      beginOn(index, now_ms);
    }
  }

  function guard(index: number, control: Control, now_ms: number): void {
    if (monitors.dead(index)) {
      trip(index, Fault.sensor_dead, now_ms);
      return;
    }
    if (reading(index).current_ua <= protection.slow_ua(index)) control.over_ms = -1;
    else if (control.over_ms < 0) control.over_ms = now_ms;
    else if (now_ms - control.over_ms >= protection.slow_ms(index)) trip(index, Fault.over_current, now_ms);
  }

  return {
    command(
      this: void,
      index: number,
      action: number,
      off_ms: number,
      tag: number,
      cause: number,
      now_ms: number,
    ): number {
      const control = controls[index] as Control;
      const wantsOn = action === PowerAction.on || action === PowerAction.cycle;
      if (wantsOn && control.fault !== Fault.none) return Refusal.fault_latched;
      finish(index, Outcome.superseded);
      control.tag = tag;
      control.cause = cause;
      if (wantsOn && monitors.dead(index)) {
        trip(index, Fault.sensor_dead, now_ms);
        return 0;
      }
      control.thenOn = action === PowerAction.cycle;
      control.dwell_ms = off_ms;
      if (action === PowerAction.on) beginOn(index, now_ms);
      else beginOff(index, action === PowerAction.off_floating, now_ms);
      return 0;
    },
    rearm(this: void, index: number, fault: number, now_ms: number): number {
      const control = controls[index] as Control;
      if (fault === Fault.none || control.fault !== fault) return Refusal.bad_value;
      control.fault = Fault.none;
      control.cause = Cause.rearm;
      beginOff(index, false, now_ms);
      return 0;
    },
    tick(this: void, now_ms: number, fresh: boolean): void {
      // Readings change with a sweep; deadlines and states need no more, also when no sweep comes any more.
      if (!fresh && now_ms - looked_ms < LOOK_MS) return;
      looked_ms = now_ms;
      const { readings } = monitors;
      const lowest_ua = protection.lowest_ua();
      let told = false;
      for (let i = 0; i < controls.length; i += 1) {
        const control = controls[i] as Control;
        if (control.phase !== IDLE) prove(i, now_ms);
        if (fresh && control.closed) {
          const { current_ua, missed } = readings[i] as Reading;
          if (current_ua > lowest_ua || control.over_ms >= 0 || missed > 0) guard(i, control, now_ms);
        }
        // One a turn: eight states at once would hold up everything else.
        if (!told && now_ms - control.sent_ms >= STATE_EVERY_MS) {
          told = true;
          send(i, now_ms);
        }
      }
    },
    trip,
    state(this: void, index: number): number {
      return (controls[index] as Control).state;
    },
    fault(this: void, index: number): number {
      return (controls[index] as Control).fault;
    },
    controls,
    answerOutcome(this: void, index: number, outcome: number, tag: number): void {
      session().answer(tag, "power_answer", body(index, outcome));
    },
    announce(this: void, now_ms: number): void {
      for (let i = 0; i < controls.length; i += 1) send(i, now_ms);
    },
    answerState(this: void, index: number, tag: number): void {
      session().answer(tag, "channel_answer", body(index, Outcome.done));
    },
  };
}
