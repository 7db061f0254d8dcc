import { Cause, ChannelState, Fault, HostLoss, PowerAction, Refusal, Restore } from "@mltb/protocol";
import type { Handed } from "./handover.ts";
import { DWELL, IDLE, type Power, type Waiting } from "./power.ts";
import type { Limits } from "./protection.ts";
import type { AllSettings, Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";

const KEY = "last";
/** A latched fault is written down when its waveform is complete: a write takes time from the sampler. */
const FAULTS_AFTER_MS = 300;
/** Time to a switch-on that `stagger_ms` moved. */
const SOON_MS = 1;

/** Which channels were commanded on, and the latched faults, as they were written last. */
interface Last {
  on: boolean[];
  fault: number[];
}

function lastOf(storage: Storage, channels: number): Last {
  const bytes = storage.get(KEY);
  const last: Last = { on: [], fault: [] };
  for (let i = 0; i < channels; i += 1) {
    // Without a record, or with one that is damaged, nothing is switched on and no fault is known.
    const value = bytes !== undefined && bytes.length === channels ? string.byte(bytes, i + 1) : 0;
    last.on.push(value >= 128);
    last.fault.push(value % 128);
  }
  return last;
}

/**
 * What the channels are to be after an outage: off, with the faults that were latched; those that the restore policy
 * switches on follow once off is proved, as many as interlocks and budget allow, in the order of their numbers.
 */
export function afterOutage(settings: AllSettings, storage: Storage, limits: Limits[]): Handed[] {
  const count = settings.channels.length;
  const last = lastOf(storage, count);
  const list: Handed[] = [];
  const closing: boolean[] = [];
  for (let i = 0; i < count; i += 1) {
    const { restore } = settings.channels[i] as Settings;
    const fault = last.fault[i] as number;
    const wanted = restore === Restore.on || (restore === Restore.last && last.on[i] === true);
    const thenOn = wanted && fault === Fault.none && refusalOf(settings, limits, closing, i) === 0;
    // With a fault it has yet to be proved off.
    closing[i] = thenOn || fault !== Fault.none;
    const { hard_ma, slow_ma, slow_ms, inrush_ma, inrush_ms } = limits[i] as Limits;
    list.push({
      closed: false,
      floating: false,
      thenOn,
      fault,
      dwell_ms: 0,
      hard_ma,
      slow_ma,
      slow_ms,
      inrush_ma,
      inrush_ms,
    });
  }
  return list;
}

/** Sum of the slow limits of channels. */
function budgetOf(limits: Limits[], closed: boolean[]): number {
  let sum_ma = 0;
  for (let i = 0; i < limits.length; i += 1) if (closed[i] === true) sum_ma += (limits[i] as Limits).slow_ma;
  return sum_ma;
}

/** Why a channel may not be on, in a group and taking more of the budget (-1: no matter), beside those that are; or 0. */
function refusal(
  settings: AllSettings,
  limits: Limits[],
  closed: boolean[],
  index: number,
  group: number,
  more_ma: number,
): number {
  for (let i = 0; i < closed.length; i += 1) {
    const { interlock } = settings.channels[i] as Settings;
    if (i !== index && closed[i] === true && group > 0 && interlock === group) return Refusal.interlocked;
  }
  const { budget_ma } = settings.rack;
  if (budget_ma === 0 || more_ma < 0) return 0;
  return budgetOf(limits, closed) + more_ma > budget_ma ? Refusal.over_budget : 0;
}

/** The same for a channel as it is set. */
function refusalOf(settings: AllSettings, limits: Limits[], closed: boolean[], index: number): number {
  const more_ma = closed[index] === true ? 0 : (limits[index] as Limits).slow_ma;
  return refusal(settings, limits, closed, index, (settings.channels[index] as Settings).interlock, more_ma);
}

/** Rules above the channels: what may be on together, when switches close, what is kept for the time after an outage. */
export interface Rules {
  /** As `Power.command`, within the rules. */
  command: Power["command"];
  /** A switch closes now. */
  closed(this: void, now_ms: number): void;
  /** A host is there, or has gone. */
  host(this: void, present: boolean, now_ms: number): void;
  /** A channel's state has changed. */
  changed(this: void, index: number): void;
  /** True where it wrote: the time is another one then. */
  tick(this: void, now_ms: number): boolean;
  /** No command or sequence is under way. */
  quiet(this: void): boolean;
  used_ma(this: void): number;
  /** Writes down what is known of the last state: before the settings that may restore it from there on. */
  write(this: void): void;
  /** Why a channel, where it is on, cannot come into a group, or take more of the budget; or 0. */
  refuses(this: void, index: number, group: number, more_ma: number): number;
}

/** @param onCommand told of every command that is accepted */
export function createRules(
  settings: AllSettings,
  limits: Limits[],
  storage: Storage,
  power: Power,
  onCommand: (this: void, index: number, cause: number) => void,
): Rules {
  const count = settings.channels.length;
  const last = lastOf(storage, count);
  for (let i = 0; i < count; i += 1) {
    // Of a channel that restores something else the record is an old one.
    const { closed, thenOn } = power.controls[i] as Waiting;
    if ((settings.channels[i] as Settings).restore !== Restore.last) last.on[i] = closed || thenOn;
  }
  /** The power service's own, which this one stands before. */
  const plain = power.command;
  /** When channels are switched off because no host is there; -1 while there is one. */
  let lost_ms = 0;
  /** No switch closes before. */
  let closable_ms = 0;
  let write_ms = -1;
  let clock_ms = 0;

  /** Channels that are on, or will be without a further command, or are not proved to be off. */
  function on(): boolean[] {
    const list: boolean[] = [];
    for (let i = 0; i < count; i += 1) {
      const { closed, thenOn, state, fault, phase } = power.controls[i] as Waiting;
      const tripped = state === ChannelState.fault && phase !== IDLE;
      list.push(closed || thenOn || tripped || state === ChannelState.changing || fault === Fault.off_unproved);
    }
    return list;
  }

  function write(): void {
    let bytes = "";
    for (let i = 0; i < count; i += 1)
      bytes += string.char((last.on[i] === true ? 128 : 0) + (last.fault[i] as number));
    storage.set(KEY, bytes);
  }

  const command: Power["command"] = (index, action, off_ms, tag, cause, now_ms) => {
    const wantsOn = action === PowerAction.on || action === PowerAction.cycle;
    let dwell_ms = off_ms;
    let doing = action;
    if (wantsOn) {
      if (power.fault(index) !== Fault.none) return Refusal.fault_latched;
      const refused = refusalOf(settings, limits, on(), index);
      if (refused !== 0) return refused;
      // A switch that must wait is opened first: off, a pause, on.
      if (action === PowerAction.on && !(power.controls[index] as Waiting).closed && now_ms < closable_ms) {
        doing = PowerAction.cycle;
        dwell_ms = SOON_MS;
      }
    }
    onCommand(index, cause);
    last.on[index] = wantsOn;
    const refused = plain(index, doing, dwell_ms, tag, cause, now_ms);
    // Behind the switch, which keeps its distance from others by the time of this call: a write may take 100 ms.
    if ((settings.channels[index] as Settings).restore === Restore.last) write();
    return refused;
  };

  /** Dwells that are over, one a turn, and what a lost host asks for. */
  function look(now_ms: number): void {
    let next_ms = closable_ms;
    for (let i = 0; i < count; i += 1) {
      const control = power.controls[i] as Waiting;
      // Of the switches whose dwell is over one closes now, the others wait for their turn.
      if (control.phase === DWELL && control.deadline_ms <= now_ms) {
        if (now_ms < next_ms) control.deadline_ms = next_ms;
        else next_ms = now_ms + settings.rack.stagger_ms;
      }
      const of = settings.channels[i] as Settings;
      const away = lost_ms >= 0 && of.host_loss === HostLoss.off && now_ms - lost_ms >= of.host_loss_ms;
      if (away && (control.closed || control.thenOn)) {
        command(i, PowerAction.off, 0, 0, Cause.host_loss, now_ms);
      }
    }
  }

  const used_ma = (): number => budgetOf(limits, on());

  function quiet(this: void): boolean {
    // One that has tripped waits for nothing but the proof that it is off.
    for (const control of power.controls)
      if (control.phase !== IDLE && control.state !== ChannelState.fault) return false;
    return true;
  }

  return {
    command,
    closed(this: void, now_ms: number): void {
      closable_ms = now_ms + settings.rack.stagger_ms;
    },
    host(this: void, present: boolean, now_ms: number): void {
      if (present) lost_ms = -1;
      else if (lost_ms < 0) lost_ms = now_ms;
    },
    changed(this: void, index: number): void {
      if (write_ms < 0) write_ms = clock_ms + FAULTS_AFTER_MS;
      // A channel that tripped is not switched on again by the outage that follows.
      if (power.fault(index) !== Fault.none) last.on[index] = false;
    },
    tick(this: void, now_ms: number): boolean {
      clock_ms = now_ms;
      // Nothing waits and the host is there: no channel needs a look.
      if (lost_ms >= 0 || !quiet()) look(now_ms);
      if (write_ms < 0 || now_ms < write_ms) return false;
      write_ms = -1;
      let other = false;
      for (let i = 0; i < count; i += 1) {
        const fault = power.fault(i);
        if (last.fault[i] !== fault) other = true;
        last.fault[i] = fault;
      }
      if (other) write();
      return other;
    },
    quiet,
    used_ma,
    write,
    refuses(this: void, index: number, group: number, more_ma: number): number {
      const list = on();
      return list[index] === true ? refusal(settings, limits, list, index, group, more_ma) : 0;
    },
  };
}
