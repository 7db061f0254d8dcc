import { type BayRack, type BayStrapStep, type BayTarget, strapName } from "@mltb/contract";
import { monitoringBoard } from "@mltb/hardware";
import { bodyCheck, HostLoss, Restore, refusalName, StrapLine, StrapStep } from "@mltb/protocol";
import type { DeviceLink } from "../link/device-link.ts";
import { stopStreams } from "./rest.ts";

const REQUEST_MS = 1500;
const milli = (value: number): number => Math.round(value * 1000);

/** A sequence as the board stores it. */
function strapBytes(steps: BayStrapStep[]): string {
  const bytes = Buffer.alloc(4 * steps.length);
  for (const [n, step] of steps.entries()) {
    if ("power" in step) bytes[4 * n] = step.power === "on" ? StrapStep.on : StrapStep.off;
    else {
      bytes[4 * n] = StrapStep.lines;
      bytes[4 * n + 1] = (step.lines.reset ? StrapLine.reset : 0) | (step.lines.strap ? StrapLine.strap : 0);
    }
    bytes.writeUInt16LE(step.wait_ms, 4 * n + 2);
  }
  return bytes.toString("latin1");
}

/** Limits and rules of a channel, as its board has read them back; each part is missing where the board did not take it. */
export interface ChannelLimits {
  hard_a?: number;
  slow_a?: number;
  slow_ms?: number;
  inrush_a?: number;
  inrush_ms?: number;
  over_v?: number;
  under_v?: number;
  reverse_a?: number;
  drift_a?: number;
}

/** What a board made of its part of the bay file. */
export interface AppliedPolicy {
  /** By channel number. */
  limits: Map<number, ChannelLimits>;
  /** What it did not take, one sentence each; without a channel: of its rack. */
  refused: { channel: number | undefined; text: string }[];
}

/** One request of a policy. */
interface Step {
  channel?: number;
  what: string;
  /** Sends it; undefined when the board has taken it and reads back the same. */
  send(): Promise<Refusal | undefined>;
  /** Takes the channel out of its interlock group for as long as others move between groups. */
  lift?(): Promise<unknown>;
}

/** Why the board did not take a step. `passing`: for what other steps may change. */
interface Refusal {
  text: string;
  passing: "busy" | "over_budget" | "interlocked" | undefined;
}

/**
 * Gives a board the policies, limits, rules and strap sequences of its bay file. The board stores them and answers with what
 * it reads back; what is the same there already costs no write.
 *
 * A board judges each step by what is on now: a higher limit does not fit into a budget that is only to grow, a lower budget
 * not over limits that are only to fall, and a channel cannot enter a group whose member is only to leave. What is refused
 * for that comes again behind the others, for as long as a round brings something through. Where every lowering has been
 * done, whatever fits in the end fits on the way, in either order of limits and budget; channels that wait for each other's
 * group leave theirs first.
 *
 * What stays refused is tried again at the board's next session.
 */
export async function applyPolicy(link: DeviceLink, rack: BayRack): Promise<AppliedPolicy> {
  const groups = interlockGroups(rack.targets);
  const limits = new Map(rack.targets.map(({ channel }): [number, ChannelLimits] => [channel, {}]));
  const steps = [
    ...rack.targets.flatMap((target) =>
      channelSteps(link, target, groups.get(target.interlock) ?? 0, limits.get(target.channel) as ChannelLimits),
    ),
    rackStep(link, rack),
  ];
  let left = await round(steps);
  if (left.some(({ refusal }) => refusal.passing === "busy")) {
    // Streams of the session before are still open, and a board stores nothing while one is.
    await stopStreams(link);
    left = await round(left.map(({ step }) => step));
  }
  const stuck = left.filter(({ step, refusal }) => step.lift !== undefined && refusal.passing === "interlocked");
  for (const { step } of stuck) await step.lift?.();
  if (stuck.length > 0) left = await round(left.map(({ step }) => step));
  const refused = left.map(({ step, refusal }) => ({ channel: step.channel, text: `${step.what}: ${refusal.text}` }));
  return { limits, refused };
}

/** Sends steps until none is left, or a round brings nothing through any more. */
async function round(steps: Step[]): Promise<{ step: Step; refusal: Refusal }[]> {
  const final: { step: Step; refusal: Refusal }[] = [];
  let open = steps;
  for (;;) {
    const again: { step: Step; refusal: Refusal }[] = [];
    for (const step of open) {
      const refusal = await step.send();
      if (refusal !== undefined) (refusal.passing === undefined ? final : again).push({ step, refusal });
    }
    if (again.length === 0 || again.length === open.length) return [...final, ...again];
    open = again.map(({ step }) => step);
  }
}

/** The number of each interlock group: its lowest channel, so that the order of a file changes nothing. */
function interlockGroups(targets: BayTarget[]): Map<string | undefined, number> {
  const groups = new Map<string | undefined, number>();
  for (const { interlock, channel } of targets) {
    if (interlock !== undefined) groups.set(interlock, Math.min(channel, groups.get(interlock) ?? channel));
  }
  return groups;
}

function rackStep(link: DeviceLink, rack: BayRack): Step {
  const budget_ma = milli(rack.budget_a ?? 0);
  const body = { budget_ma, stagger_ms: rack.stagger_ms, check: bodyCheck(0, 0, budget_ma) };
  return {
    what: `rules of rack ${rack.rack}`,
    async send() {
      const answer = await link.request("rack_set", body, REQUEST_MS);
      const same = answer.kind === "answer" && answer.body.budget_ma === budget_ma && answer.body.stored === 1;
      return same ? undefined : refusalOf(answer);
    },
  };
}

/** @param inForce is given what the board reads back */
function channelSteps(link: DeviceLink, target: BayTarget, interlock: number, inForce: ChannelLimits): Step[] {
  const { channel, limits = {} } = target;
  const { limits: own, nominal_v } = monitoringBoard;
  const hard_a = limits.hard_a ?? own.hard_a;
  const over = {
    channel,
    hard_ma: milli(hard_a),
    slow_ma: milli(limits.slow_a ?? Math.min(own.rated_a, hard_a)),
    slow_ms: limits.slow_ms ?? own.slow_ms,
    inrush_ma: milli(limits.inrush_a ?? own.inrush_a),
    inrush_ms: limits.inrush_ms ?? own.inrush_ms,
  };
  const policy = {
    channel,
    restore: Restore[target.restore],
    host_loss: target.host_loss === "keep" ? HostLoss.keep : HostLoss.off,
    interlock,
    host_loss_ms: target.host_loss === "keep" ? 0 : milli(target.host_loss.off_after_s),
    over_mv: milli(limits.over_v ?? nominal_v * (1 + own.on_tolerance)),
    under_mv: milli(limits.under_v ?? 0),
    reverse_ma: limits.reverse_a === undefined ? own.reverse_ma : milli(limits.reverse_a),
    drift_ma: limits.drift_a === undefined ? own.drift_ma : milli(limits.drift_a),
  };
  const check = bodyCheck(channel, policy.restore, policy.over_mv);
  const limit: Step = {
    channel,
    what: `limits of ${target.target}`,
    async send() {
      const body = { ...over, check: bodyCheck(channel, 0, over.hard_ma) };
      const answer = await link.request("limits_set", body, REQUEST_MS);
      if (answer.kind === "answer") {
        const { hard_ma, slow_ma, slow_ms, inrush_ma, inrush_ms } = answer.body;
        const currents = { hard_a: hard_ma / 1000, slow_a: slow_ma / 1000, inrush_a: inrush_ma / 1000 };
        Object.assign(inForce, { ...currents, slow_ms, inrush_ms });
      }
      return reads(answer, over) ? undefined : refusalOf(answer);
    },
  };
  const settings: Step = {
    channel,
    what: `policies of ${target.target}`,
    async send() {
      const answer = await link.request("settings_set", { ...policy, check }, REQUEST_MS);
      if (answer.kind === "answer") {
        const { over_mv, under_mv, reverse_ma, drift_ma } = answer.body;
        const voltages = { over_v: over_mv / 1000, under_v: under_mv / 1000 };
        Object.assign(inForce, { ...voltages, reverse_a: reverse_ma / 1000, drift_a: drift_ma / 1000 });
      }
      return reads(answer, { ...policy, stored: 1 }) ? undefined : refusalOf(answer);
    },
    lift: () => link.request("settings_set", { ...policy, interlock: 0, check }, REQUEST_MS),
  };
  const straps = Object.entries(target.straps ?? {}).map(([name, list]): Step => {
    const steps = strapBytes(list);
    return {
      channel,
      what: `strap sequence ${name} of ${target.target}`,
      async send() {
        const answer = await link.request("strap_set", { name: strapName(channel, name), steps }, REQUEST_MS);
        return answer.kind === "answer" && answer.body.steps === steps ? undefined : refusalOf(answer);
      },
    };
  });
  return [limit, settings, ...straps];
}

/** Whether an answer carries these values. */
function reads(outcome: { kind: string; body?: object }, wanted: Record<string, number>): boolean {
  const body = (outcome.body ?? {}) as Record<string, number>;
  return outcome.kind === "answer" && Object.entries(wanted).every(([name, value]) => body[name] === value);
}

function refusalOf(outcome: { kind: string; code?: number; detail?: string }): Refusal {
  if (outcome.kind === "answer") return { text: "the board reads back something else", passing: undefined };
  if (outcome.kind !== "refused") return { text: "no answer", passing: undefined };
  const name = refusalName(outcome.code ?? 0);
  const passing = name === "busy" || name === "over_budget" || name === "interlocked" ? name : undefined;
  return { text: `the board refused them: ${name.replaceAll("_", "-")} (${outcome.detail})`, passing };
}
