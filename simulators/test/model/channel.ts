import { Cause, ChannelState, Fault, Outcome } from "@mltb/protocol";

/** Earliest and latest time of something, in milliseconds of the rung. */
export type Span = [number, number];

/** What is broken, or asked too much of, behind a channel: each decides what its measurements can prove. */
export type Physics =
  | "none"
  | "stuck-on"
  | "stuck-off"
  | "short"
  | "sensor-dead"
  | "overload"
  | "surge"
  | "over-voltage"
  | "under-voltage"
  | "reverse";

/** What surrounds a channel, as the driver of the test has made it. */
export interface Surroundings {
  physics: Physics;
  /** When it began. */
  physics_ms: number;
  /** By how much later than that the board may have begun to see it. */
  physicsLate_ms: number;
  /** The channel carries a load when it is on. */
  loaded: boolean;
  /** An under-voltage limit is set. */
  guarded: boolean;
  slow_ms: number;
  inrush_ms: number;
  /** Longest that a switch waits for the switches of other channels. */
  stagger_ms: number;
}

/** Why a channel is on its way: `resting` it stays as it is until somebody or something comes. */
type Phase = "resting" | "rising" | "falling" | "dwelling";

/** What the board writes down of a channel. */
export interface Record {
  fault: number;
  on: boolean;
}

/** What one channel may be, as far as its commands, its surroundings and time decide. A value: nothing changes it. */
export interface Belief {
  phase: Phase;
  since: Span;
  state: number;
  fault: number;
  cause: number;
  closed: boolean;
  floating: boolean;
  /** On again when off is proved and the dwell is over. */
  thenOn: boolean;
  dwell_ms: number;
  /** How long "off" may take to be proved. */
  patience_ms: number;
  /** Opened by a trip, and not proved to be off yet. */
  unproved: boolean;
  /** The rail held its voltage when the switch closed: a switch that does not close is not noticed at once. */
  charged: boolean;
  /** Floating and live since this change of its surroundings, it has charged without that being seen. */
  charged_ms: number;
  /** The command that is not answered yet. */
  command: number;
  reset: boolean;
  pulse: { id: number; end: Span } | undefined;
  /** What it was told to be last, and what a trip has made of that. */
  lastOn: boolean;
  /** What an outage may leave of it, and since when that need not be what it should be. */
  kept: readonly Record[];
  stale: Span | undefined;
  /** How requests have ended whose answers the host has not seen. */
  answers: { readonly [id: number]: string };
}

const NAMES = ["done", "superseded", "not-confirmed", "fault"];
/** Name of an outcome, as answers are told apart here. */
export const outcomeName = (outcome: number): string => NAMES[outcome] ?? `outcome ${outcome}`;

/** Longest time for which a fault is not written down. */
export const KEEP_WITHIN_MS = 340;
/** From a change that measurements show to the state that follows from it: three sweeps, a service interval, the link. */
const SEEN_MS = 70;
const ON_WITHIN_MS = 400;
const OFF_WITHIN_MS = 500;
/** A deadline is looked at every 20 ms. */
const LOOK_MS = 45;
/** A channel that is off is looked at with every fourth sweep; the rail charges first. */
const LIVE_MS = 130;
/** Five sweeps without an answer. */
const DEAD: Span = [30, 100];

/** A channel that begins after an outage. */
export function begun(at: Span, fault: number, thenOn: boolean, lastOn: boolean): Belief {
  return {
    phase: fault === Fault.none ? "falling" : "resting",
    since: at,
    state: fault === Fault.none ? ChannelState.unknown : ChannelState.fault,
    fault,
    cause: thenOn ? Cause.restore : Cause.start,
    closed: false,
    floating: false,
    thenOn,
    dwell_ms: 0,
    patience_ms: 2000,
    unproved: fault !== Fault.none && fault !== Fault.off_unproved,
    charged: false,
    charged_ms: -1,
    command: 0,
    reset: false,
    pulse: undefined,
    lastOn,
    kept: [{ fault, on: lastOn }],
    stale: undefined,
    answers: {},
  };
}

function answered(of: Belief, id: number, how: string): Belief["answers"] {
  return id === 0 ? of.answers : { ...of.answers, [id]: how };
}

/** Its command is over. */
export function ended(of: Belief, outcome: number): Belief {
  return { ...of, command: 0, answers: answered(of, of.command, outcomeName(outcome)) };
}

/** Lines of a channel without power are let go of, and a pulse does not become longer by that. */
function released(of: Belief): Belief {
  if (of.pulse === undefined) return { ...of, reset: false };
  const answers = answered(of, of.pulse.id, outcomeName(Outcome.superseded));
  return { ...of, reset: false, pulse: undefined, answers };
}

/** Another record will be written within a time; until then either may be there. */
export function changed(of: Belief, fault: number, on: boolean, at: Span): Belief {
  const kept = [...of.kept];
  // Whoever writes meanwhile writes what is known of "on" beside the old fault.
  for (const record of [...of.kept.map((old) => ({ fault: old.fault, on })), { fault, on }]) {
    if (!kept.some((other) => other.fault === record.fault && other.on === record.on)) kept.push(record);
  }
  return { ...of, fault, lastOn: on, kept, stale: at };
}

/** "On" is written at once where the channel restores its last state. */
export function remembered(of: Belief): Belief {
  const faults = [...new Set(of.kept.map(({ fault }) => fault))];
  return { ...of, kept: faults.map((fault) => ({ fault, on: of.lastOn })) };
}

export function tripped(of: Belief, fault: number, at: Span): Belief {
  const open: Belief = {
    ...changed(released(of), fault, false, at),
    phase: "resting",
    since: at,
    state: ChannelState.fault,
    cause: Cause.fault,
    closed: false,
    floating: false,
    thenOn: false,
    patience_ms: OFF_WITHIN_MS,
    unproved: fault !== Fault.off_unproved,
  };
  return ended(open, Outcome.fault);
}

export function rising(of: Belief, at: Span, charged: boolean): Belief {
  return {
    ...of,
    phase: "rising",
    since: at,
    state: ChannelState.changing,
    closed: true,
    floating: false,
    thenOn: false,
    charged,
  };
}

export function falling(of: Belief, at: Span, floating: boolean): Belief {
  return {
    ...released(of),
    phase: "falling",
    since: at,
    state: ChannelState.changing,
    closed: false,
    floating,
    unproved: false,
    patience_ms: OFF_WITHIN_MS,
  };
}

interface Exit {
  /** After the phase began. */
  after: Span;
  to(of: Belief, at: Span): Belief;
}

const trip = (fault: number, after: Span): Exit => ({ after, to: (of, at) => tripped(of, fault, at) });

/** Trips that a closed switch must expect, counted from when it closed or its surroundings changed. */
function expected(of: Surroundings): Exit[] {
  switch (of.physics) {
    case "sensor-dead":
      return [trip(Fault.sensor_dead, [0, DEAD[1]])];
    case "short":
    case "surge":
      return [trip(Fault.hard_over_current, [0, of.inrush_ms + SEEN_MS])];
    case "stuck-off":
      // What the rail has left goes into the load, or leaks away: to half its voltage in 7 s.
      return [trip(Fault.under_voltage, [0, of.guarded ? 1500 : of.loaded ? 300 : 8000])];
    case "overload":
      return [trip(Fault.over_current, [of.slow_ms - 5, of.slow_ms + SEEN_MS])];
    case "over-voltage":
      return [trip(Fault.over_voltage, [0, SEEN_MS])];
    case "under-voltage":
      return [trip(Fault.under_voltage, [0, SEEN_MS])];
    case "reverse":
      return [trip(Fault.reverse_current, [0, SEEN_MS])];
    default:
      return [];
  }
}

function exits(of: Belief, around: Surroundings): Exit[] {
  const { physics } = around;
  const proved: Exit = {
    after: [0, SEEN_MS],
    to: (b, at) => ended({ ...b, phase: "resting", since: at, state: ChannelState.on }, Outcome.done),
  };
  if (of.phase === "rising") {
    const unproved = trip(Fault.on_unproved, [ON_WITHIN_MS - 5, ON_WITHIN_MS + LOOK_MS]);
    if (physics === "stuck-off") return of.charged ? [proved, unproved] : [unproved];
    if (physics === "sensor-dead" || physics === "short") return expected(around);
    return [proved, ...expected(around)];
  }
  if (of.phase === "falling") {
    const patience: Span = [of.patience_ms - 5, of.patience_ms + LOOK_MS];
    if (physics === "sensor-dead") return [trip(Fault.sensor_dead, patience)];
    const flows = physics === "stuck-on" && (around.loaded || !of.floating);
    if (flows) return [trip(Fault.off_unproved, patience)];
    return [
      {
        after: [0, SEEN_MS + 60],
        to: (b, at) =>
          b.thenOn
            ? { ...b, phase: "dwelling", since: at, state: ChannelState.changing }
            : ended({ ...b, phase: "resting", since: at, state: ChannelState.off }, Outcome.done),
      },
    ];
  }
  if (of.phase === "dwelling") {
    return [{ after: [of.dwell_ms - 2, of.dwell_ms + 25 + around.stagger_ms], to: (b, at) => rising(b, at, false) }];
  }
  if (of.closed) return expected(around);
  if (of.unproved) {
    if (physics === "sensor-dead") return [];
    // A target that feeds its rail keeps it live as well.
    if (physics === "stuck-on" || physics === "reverse")
      return [trip(Fault.off_unproved, [0, of.patience_ms + LOOK_MS])];
    return [{ after: [0, SEEN_MS + 60], to: (b) => ({ ...b, unproved: false }) }];
  }
  const watched = of.state === ChannelState.off || of.fault !== Fault.off_unproved;
  if (physics !== "stuck-on" || !watched || of.charged_ms === around.physics_ms) return [];
  const live = trip(Fault.off_unproved, [0, LIVE_MS]);
  if (around.loaded || !of.floating) return [live];
  // Without load a floating rail only draws what charges it, which the board may see or not.
  return [live, { after: [0, LIVE_MS], to: (b) => ({ ...b, charged_ms: around.physics_ms }) }];
}

/** From when the exits of a phase count: a channel at rest is moved by what happens to it. */
const from = (of: Belief, around: Surroundings): Span =>
  of.phase === "resting"
    ? [Math.max(of.since[0], around.physics_ms), Math.max(of.since[1], around.physics_ms + around.physicsLate_ms)]
    : of.since;

/** Everything that a channel may have become by a time; with `passing` what it may have been on the way as well. */
export function reach(of: Belief, around: Surroundings, now_ms: number, passing = false): Belief[] {
  const list: Belief[] = [];
  const [lo, hi] = from(of, around);
  const ways = exits(of, around);
  let last_ms = ways.length === 0 ? Number.POSITIVE_INFINITY : 0;
  for (const { after, to } of ways) {
    last_ms = Math.max(last_ms, hi + after[1]);
    if (now_ms < lo + after[0]) continue;
    const at: Span = [lo + after[0], Math.min(now_ms, hi + after[1])];
    for (const before of pulsed(of, at)) list.push(...reach(to(before, at), around, now_ms, passing));
  }
  if (passing || now_ms <= last_ms) list.push(...pulsed(of, [now_ms, now_ms]));
  return list;
}

/** What a pulse is within a span: over, under way, or either. */
function pulsed(of: Belief, at: Span): Belief[] {
  const { pulse } = of;
  if (pulse === undefined || at[1] < pulse.end[0]) return [of];
  const over = { ...of, reset: false, pulse: undefined, answers: answered(of, pulse.id, outcomeName(Outcome.done)) };
  return at[0] > pulse.end[1] ? [over] : [of, over];
}

/** The latest time at which something may still change by itself. */
export function settled_ms(of: Belief, around: Surroundings): number {
  const [, hi] = from(of, around);
  const ways = exits(of, around);
  const latest = ways.map(({ after }) => hi + after[1]);
  return Math.max(0, of.pulse?.end[1] ?? 0, ...latest);
}
