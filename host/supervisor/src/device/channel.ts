import type { BayTarget, TargetView } from "@mltb/contract";
import { Cause, ChannelState, Fault, type Message } from "@mltb/protocol";

const states: Record<number, TargetView["power"]> = {
  [ChannelState.unknown]: "unknown",
  [ChannelState.off]: "off",
  [ChannelState.on]: "on",
  [ChannelState.changing]: "changing",
  [ChannelState.fault]: "fault",
};

const faultTexts: Record<string, string> = {
  on_unproved: "the rail did not reach its voltage in time",
  off_unproved: "voltage or current stayed above the threshold after switching off",
  sensor_dead: "the channel's monitor does not answer",
  over_current: "the current exceeded the channel's rating",
  hard_over_current: "the current exceeded the channel's hard limit; the switch was opened in hardware",
  over_voltage: "the rail's voltage exceeded the channel's limit",
  under_voltage: "the rail's voltage fell below the channel's limit while it was on",
  reverse_current: "current flowed back from the target into the board",
  sensor_drift: "the channel's two current sensors disagree",
};

function nameOf(table: Record<string, number>, value: number): string {
  return Object.entries(table).find(([, number]) => number === value)?.[0] ?? `code-${value}`;
}

/** Words of a cause on MQTT and in the log. */
export function causeWord(cause: number): string {
  return nameOf(Cause, cause);
}

/** Id of a latched fault, such as `on-unproved`, and its number on the wire. */
function faultId(fault: number): string {
  return nameOf(Fault, fault).replaceAll("_", "-");
}

export function faultNumber(id: string): number | undefined {
  return (Fault as Record<string, number>)[id.replaceAll("-", "_")];
}

/** What is known of a target's channel: the state the board proved, and the latest measurement. */
export class ChannelModel {
  readonly name: string;
  readonly rack: string;
  readonly channel: number;
  /** What becomes of it when its lease ends. */
  readonly onLeaseEnd: BayTarget["on_lease_end"];
  power: TargetView["power"] = "unknown";
  voltage_v: number | null = null;
  current_a: number | null = null;
  /** When that was measured, in ms since the epoch; null before the first time. */
  measured_ms: number | null = null;
  /** The last voltage that is known, also while the board is away: energy goes on with it until the next. */
  last_v = 0;
  energy_j = 0;
  fault: TargetView["fault"] = null;
  seq = 0;
  switchOn = false;
  /** What the state came from, as the board says (`Cause`). */
  cause: number = Cause.start;
  /** Times that the switch was seen to close; where the state was not known before, that is no sight. */
  closings = 0;
  lease: TargetView["lease"] = null;
  /** Where the latest accepted command came from. */
  commandedBy = "policy";
  health: Record<string, unknown> = {};
  /** Its power back end measures nothing: states are what it claims. */
  unproved = false;
  private boardSeq = -1;
  /** The switch was read back since the board is there. */
  private gateSeen = false;

  constructor(rack: string, target: BayTarget) {
    this.name = target.target;
    this.rack = rack;
    this.channel = target.channel;
    this.onLeaseEnd = target.on_lease_end ?? "keep";
  }

  /** Takes a state that the board reported; true when something that subscribers see has changed. */
  apply(state: Message<"channel_state"> | Message<"channel_answer">): boolean {
    const power = states[state.state] ?? "unknown";
    const fault = state.fault === Fault.none ? null : faultId(state.fault);
    this.measured(state);
    // 2 is a gate that could not be read back: the switch counts as it was seen last.
    if (state.switch_on !== 2) {
      const closed = state.switch_on === 1;
      if (closed && !this.switchOn && this.gateSeen) this.closings += 1;
      this.switchOn = closed;
      this.gateSeen = true;
    }
    const changed = power !== this.power || state.state_seq !== this.boardSeq || fault !== (this.fault?.id ?? null);
    if (!changed) return false;
    this.power = power;
    this.boardSeq = state.state_seq;
    this.cause = state.cause;
    if (fault === null) this.fault = null;
    else if (fault !== this.fault?.id) {
      const cause = faultTexts[fault.replaceAll("-", "_")] ?? fault;
      this.fault = { id: fault, cause, at: new Date().toISOString() };
    }
    this.seq += 1;
    return true;
  }

  /** Takes what was measured with a state; nothing where nothing is measured. */
  measured({ voltage_mv, current_ua }: { voltage_mv: number; current_ua: number }): void {
    if (this.unproved) return;
    this.voltage(voltage_mv / 1000);
    this.current_a = current_ua / 1e6;
  }

  /** Takes a voltage that was measured now. */
  voltage(voltage_v: number): void {
    this.voltage_v = voltage_v;
    this.last_v = voltage_v;
    this.measured_ms = Date.now();
  }

  /** The latest measurement with its time; nothing is measured while the board is away. */
  measurement(): {
    voltage_v: number | null;
    current_a: number | null;
    power_w: number | null;
    energy_j: number | null;
    at: string;
  } {
    const { voltage_v, current_a, power_w, energy_j } = this.view();
    return { voltage_v, current_a, power_w, energy_j, at: new Date(this.measured_ms ?? Date.now()).toISOString() };
  }

  /** The board is gone or started anew: its state must be read again before anything is said about it. */
  forget(): boolean {
    this.boardSeq = -1;
    this.gateSeen = false;
    this.voltage_v = null;
    this.current_a = null;
    if (this.power === "unknown") return false;
    this.power = "unknown";
    this.seq += 1;
    return true;
  }

  view(): TargetView {
    const { voltage_v, current_a } = this;
    return {
      name: this.name,
      rack: this.rack,
      channel: this.channel,
      power: this.power,
      voltage_v,
      current_a,
      power_w: voltage_v === null || current_a === null ? null : round(voltage_v * current_a, 1e6),
      energy_j: this.unproved ? null : round(this.energy_j, 1e6),
      fault: this.fault,
      lease: this.lease,
      health: this.health,
      seq: this.seq,
      ...(this.unproved ? { unproved: true as const } : {}),
    };
  }
}

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}
