import { Cause, ChannelState, Fault, Outcome, PowerAction, Refusal, Restore } from "@mltb/protocol";
import {
  type Belief,
  begun,
  changed,
  ended,
  falling,
  KEEP_WITHIN_MS,
  outcomeName,
  type Physics,
  reach,
  remembered,
  rising,
  type Span,
  type Surroundings,
  settled_ms,
  tripped,
} from "./channel.ts";

/** What a channel was told to keep, by the names of the wire. */
export interface Kept {
  settings: Record<"restore" | "host_loss" | "interlock" | "host_loss_ms" | "over_mv" | "under_mv", number> &
    Record<"reverse_ma" | "drift_ma", number>;
  limits: Record<"hard_ma" | "slow_ma" | "slow_ms" | "inrush_ma" | "inrush_ms", number>;
}

export interface ModelChannel extends Kept {
  /** Everything that the channel may be: more than one where time or noise decides. */
  beliefs: Belief[];
  physics: Physics;
  physics_ms: number;
  /** By how much later than that the board may have begun to see it. */
  physicsLate_ms: number;
  loaded: boolean;
}

export interface RackModel {
  channels: ModelChannel[];
  budget_ma: number;
  stagger_ms: number;
  /** The longest stagger since all channels were at rest: what began under it may end under it. */
  stagger_before_ms: number;
  /** The shortest since a switch closed last: one that the board is being told counts. */
  stagger_least_ms: number;
  stagger_asked_ms: number | undefined;
  /** Until when a switch that is told to close may have to wait for the one that closed last. */
  closable_ms: number;
}

const refusedWith = (code: number): string => `refused ${code}`;

/** On, or about to be, or not proved to be off: what interlocks and the budget count. */
const counts = (of: Belief): boolean =>
  of.closed || of.thenOn || of.unproved || of.state === ChannelState.changing || of.fault === Fault.off_unproved;

const staggerMost_ms = (rack: RackModel): number => Math.max(rack.stagger_ms, rack.stagger_before_ms);

/** A switch has closed, or was told to although it was. */
export function closing(rack: RackModel, at_ms: number): void {
  rack.closable_ms = Math.max(rack.closable_ms, at_ms + staggerMost_ms(rack));
}

export function around(rack: RackModel, index: number): Surroundings {
  const { physics, physics_ms, physicsLate_ms, loaded, limits, settings } = rack.channels[index] as ModelChannel;
  return {
    physics,
    physics_ms,
    physicsLate_ms,
    loaded,
    guarded: settings.under_mv > 0,
    slow_ms: limits.slow_ms,
    inrush_ms: limits.inrush_ms,
    stagger_ms: 8 * staggerMost_ms(rack),
  };
}

/** Beliefs that differ in their times alone become one with the widest of them. */
function distinct(list: Belief[]): Belief[] {
  if (list.length < 2) return list;
  const found = new Map<string, Belief>();
  for (const of of list) {
    const key = JSON.stringify({ ...of, since: 0, pulse: of.pulse?.id, stale: of.stale === undefined });
    const other = found.get(key);
    found.set(key, other === undefined ? of : widest(of, other));
  }
  return [...found.values()];
}

const hull = (a: Span, b: Span): Span => [Math.min(a[0], b[0]), Math.max(a[1], b[1])];

function widest(a: Belief, b: Belief): Belief {
  const of = { ...a, since: hull(a.since, b.since) };
  if (a.pulse !== undefined && b.pulse !== undefined)
    of.pulse = { id: a.pulse.id, end: hull(a.pulse.end, b.pulse.end) };
  if (a.stale !== undefined && b.stale !== undefined) of.stale = hull(a.stale, b.stale);
  return of;
}

/** A fault is written down when its time has come. */
function written(of: Belief, now_ms: number): Belief {
  if (of.stale === undefined || now_ms - of.stale[1] <= KEEP_WITHIN_MS) return of;
  return { ...of, kept: [{ fault: of.fault, on: of.lastOn }], stale: undefined };
}

/** Lets the time pass. */
export function advance(rack: RackModel, now_ms: number): void {
  for (const [i, channel] of rack.channels.entries()) {
    const next = channel.beliefs.flatMap((of) => reach(of, around(rack, i), now_ms));
    channel.beliefs = distinct(next.map((of) => written(of, now_ms)));
  }
}

/** The board does nothing for a while: what is to come may come later by so much. */
export function stalled(rack: RackModel, ms: number, now_ms: number): void {
  for (const channel of rack.channels) {
    channel.physicsLate_ms += ms;
    channel.beliefs = channel.beliefs.map((of) => ({
      ...of,
      since: [of.since[0], of.since[1] + ms],
      pulse: of.pulse && { ...of.pulse, end: [of.pulse.end[0], of.pulse.end[1] + ms] },
    }));
  }
  if (rack.closable_ms > now_ms) rack.closable_ms += ms;
}

/** When the last channel can have come to rest. */
export function rest_ms(rack: RackModel): number {
  const times = rack.channels.flatMap((channel, i) => channel.beliefs.map((of) => settled_ms(of, around(rack, i))));
  return Math.max(...times);
}

const certain = ({ beliefs }: ModelChannel): boolean => beliefs.length > 0 && beliefs.every(counts);
const possible = (channel: ModelChannel): boolean => channel.beliefs.some(counts);

function sum_ma(rack: RackModel, which: (channel: ModelChannel, index: number) => boolean): number {
  return rack.channels.reduce((sum, channel, i) => sum + (which(channel, i) ? channel.limits.slow_ma : 0), 0);
}

/** What the rules may say to a channel that wants to be on: refusal codes, 0 where nothing stands against it. */
function rules(rack: RackModel, index: number, group = rack.channels[index]?.settings.interlock ?? 0): number[] {
  const others = rack.channels.filter(
    (channel, i) => i !== index && group > 0 && channel.settings.interlock === group && possible(channel),
  );
  const codes: number[] = others.length > 0 ? [Refusal.interlocked] : [];
  if (others.some(certain)) return codes;
  const { budget_ma } = rack;
  if (budget_ma === 0) return [...codes, 0];
  const most = sum_ma(rack, (channel, i) => i === index || possible(channel));
  const least = sum_ma(rack, (channel, i) => i === index || certain(channel));
  if (most > budget_ma) codes.push(Refusal.over_budget);
  if (least <= budget_ma) codes.push(0);
  return codes;
}

/** Whatever a channel may be within a span in which something arrives. */
function arriving(rack: RackModel, index: number, at: Span): Belief[] {
  const channel = rack.channels[index] as ModelChannel;
  return distinct([
    ...channel.beliefs,
    ...channel.beliefs.flatMap((of) => reach(of, around(rack, index), at[1], true)),
  ]);
}

/** A power command that arrives within the span; `charged`: the rail has its voltage already. */
export function command(
  rack: RackModel,
  index: number,
  action: number,
  off_ms: number,
  id: number,
  cause: number,
  at: Span,
  charged: boolean,
): void {
  const channel = rack.channels[index] as ModelChannel;
  const wantsOn = action === PowerAction.on || action === PowerAction.cycle;
  const verdicts = wantsOn ? rules(rack, index) : [0];
  const next: Belief[] = [];
  for (const of of arriving(rack, index, at)) {
    const refuse = (code: number): Belief => ({ ...of, answers: { ...of.answers, [id]: refusedWith(code) } });
    if (wantsOn && of.fault !== Fault.none) {
      next.push(refuse(Refusal.fault_latched));
      continue;
    }
    for (const code of verdicts) if (code !== 0) next.push(refuse(code));
    if (!verdicts.includes(0)) continue;
    const told: Belief = { ...ended(of, Outcome.superseded), cause, command: id, lastOn: wantsOn };
    const taken = channel.settings.restore === Restore.last ? remembered(told) : told;
    const dead = channel.physics === "sensor-dead";
    if (wantsOn && dead) next.push(tripped(taken, Fault.sensor_dead, at));
    if (wantsOn && dead && at[0] - channel.physics_ms > 100) continue;
    const again = action === PowerAction.cycle ? off_ms : 1;
    const through = { ...falling(taken, at, false), thenOn: true, dwell_ms: again };
    if (action === PowerAction.cycle) next.push(through);
    else if (action === PowerAction.on) {
      // Another switch may close while the command is on its way.
      const may = staggerMost_ms(rack) > 0 || at[0] <= rack.closable_ms;
      if (!of.closed && may) next.push(through);
      next.push(rising(taken, at, charged));
    } else next.push({ ...falling(taken, at, action === PowerAction.off_floating), thenOn: false });
  }
  channel.beliefs = distinct(next);
  if (action === PowerAction.on && channel.beliefs.some((of) => of.phase === "rising")) closing(rack, at[1]);
}

/** Clears a fault; the answer comes at once. */
export function rearm(rack: RackModel, index: number, fault: number, id: number, at: Span): void {
  const channel = rack.channels[index] as ModelChannel;
  channel.beliefs = distinct(
    arriving(rack, index, at).map((of) => {
      if (of.fault === Fault.none || of.fault !== fault) {
        return { ...of, answers: { ...of.answers, [id]: refusedWith(Refusal.bad_value) } };
      }
      const off = falling({ ...changed(of, Fault.none, of.lastOn, at), cause: Cause.rearm }, at, false);
      return { ...off, answers: { ...off.answers, [id]: "answer" } };
    }),
  );
}

/** Asserts, holds (`length_ms` undefined) or releases the reset line. */
export function reset(
  rack: RackModel,
  index: number,
  level: boolean,
  length_ms: number | undefined,
  id: number,
  at: Span,
): void {
  const channel = rack.channels[index] as ModelChannel;
  channel.beliefs = distinct(
    arriving(rack, index, at).map((of) => {
      if (of.state !== ChannelState.on) {
        return { ...of, answers: { ...of.answers, [id]: refusedWith(Refusal.not_on) } };
      }
      const answers = { ...of.answers };
      if (of.pulse !== undefined) answers[of.pulse.id] = outcomeName(Outcome.superseded);
      if (length_ms === undefined) answers[id] = outcomeName(Outcome.done);
      const end: Span = [at[0] + (length_ms ?? 0), at[1] + (length_ms ?? 0) + 14];
      return { ...of, reset: level, pulse: length_ms === undefined ? undefined : { id, end }, answers };
    }),
  );
}

/** Replies that a change of what is kept may get; `answer` where it is taken. */
export function verdicts(rack: RackModel, index: number, change: Partial<Kept>): string[] {
  const channel = rack.channels[index] as ModelChannel;
  const codes: number[] = [];
  const { settings, limits } = change;
  if (settings !== undefined && settings.interlock > 0) {
    const clash = rack.channels.filter((other, i) => i !== index && other.settings.interlock === settings.interlock);
    if (possible(channel) && clash.some(possible)) codes.push(Refusal.interlocked);
    if (!(certain(channel) && clash.some(certain))) codes.push(0);
  } else if (limits !== undefined && rack.budget_ma > 0) {
    const more = limits.slow_ma - channel.limits.slow_ma;
    if (more > 0 && possible(channel) && sum_ma(rack, possible) + more > rack.budget_ma)
      codes.push(Refusal.over_budget);
    if (!(more > 0 && certain(channel) && sum_ma(rack, certain) + more > rack.budget_ma)) codes.push(0);
  } else codes.push(0);
  return codes.map((code) => (code === 0 ? "answer" : refusedWith(code)));
}

/** The same for the rules of the rack. */
export function rackVerdicts(rack: RackModel, budget_ma: number): string[] {
  const list: string[] = [];
  if (budget_ma > 0 && sum_ma(rack, possible) > budget_ma) list.push(refusedWith(Refusal.over_budget));
  if (budget_ma === 0 || sum_ma(rack, certain) <= budget_ma) list.push("answer");
  return list;
}

/** A channel that restores its last state writes that down from now on. */
export function keepsLast(channel: ModelChannel): void {
  if (channel.settings.restore === Restore.last) channel.beliefs = channel.beliefs.map(remembered);
}

/** No host was there for so long that the policy of a channel decides. */
export function hostLost(rack: RackModel, index: number, at: Span): void {
  const channel = rack.channels[index] as ModelChannel;
  const list = arriving(rack, index, at);
  const rest = list.filter((of) => !of.closed && !of.thenOn);
  channel.beliefs = list.filter((of) => of.closed || of.thenOn);
  if (channel.beliefs.length > 0) command(rack, index, PowerAction.off, 0, 0, Cause.host_loss, at, false);
  channel.beliefs = distinct([...channel.beliefs, ...rest]);
}

/** The board has begun anew, at a time within the span. */
export function outage(rack: RackModel, at: Span): void {
  // The board may have ended at the beginning of the span.
  for (const channel of rack.channels) channel.beliefs = channel.beliefs.map((of) => written(of, at[0]));
  const before = rack.channels.map(({ beliefs }) => beliefs);
  for (const channel of rack.channels) channel.beliefs = [];
  for (const [i, channel] of rack.channels.entries()) {
    const { restore } = channel.settings;
    const verdict = rules(rack, i);
    const next: Belief[] = [];
    for (const of of before[i] as Belief[]) {
      for (const { fault, on } of of.kept) {
        const wanted = fault === Fault.none && (restore === Restore.on || (restore === Restore.last && on));
        const ways = wanted ? [...new Set(verdict.map((code) => code === 0))] : [false];
        for (const thenOn of ways) next.push(begun(at, fault, thenOn, restore === Restore.last ? on : thenOn));
      }
    }
    channel.beliefs = distinct(next);
  }
}
