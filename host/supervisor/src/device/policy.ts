import { type BayRack, type BayStrapStep, type BayTarget, strapName } from "@mltb/contract";
import { monitoringBoard } from "@mltb/hardware";
import { bodyCheck, HostLoss, Restore, StrapLine, StrapStep } from "@mltb/protocol";
import type { DeviceLink } from "../link/device-link.ts";

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

/**
 * Gives a board the policies, limits, rules and strap sequences of its bay file. The board stores them and answers with what
 * it reads back; what is the same there already costs no write.
 *
 * @returns what the board did not take, one sentence each
 */
export async function applyPolicy(link: DeviceLink, rack: BayRack): Promise<string[]> {
  const wrong: string[] = [];
  const groups = [...new Set(rack.targets.map(({ interlock }) => interlock).filter((name) => name !== undefined))];
  for (const target of rack.targets) {
    wrong.push(...(await applyChannel(link, target, groups.indexOf(target.interlock ?? "") + 1)));
  }
  const budget_ma = milli(rack.budget_a ?? 0);
  const answer = await link.request(
    "rack_set",
    { budget_ma, stagger_ms: rack.stagger_ms, check: bodyCheck(0, 0, budget_ma) },
    REQUEST_MS,
  );
  const same = answer.kind === "answer" && answer.body.budget_ma === budget_ma && answer.body.stored === 1;
  if (!same) wrong.push(`rules of rack ${rack.rack}: ${reason(answer)}`);
  return wrong;
}

async function applyChannel(link: DeviceLink, target: BayTarget, interlock: number): Promise<string[]> {
  const wrong: string[] = [];
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
  const limited = await link.request("limits_set", { ...over, check: bodyCheck(channel, 0, over.hard_ma) }, REQUEST_MS);
  if (limited.kind !== "answer") wrong.push(`limits of ${target.target}: ${reason(limited)}`);
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
  const set = await link.request("settings_set", { ...policy, check }, REQUEST_MS);
  const taken: Record<string, number> = set.kind === "answer" ? set.body : {};
  const differs = Object.entries(policy).some(([name, value]) => taken[name] !== value);
  if (differs || taken["stored"] !== 1) wrong.push(`policies of ${target.target}: ${reason(set)}`);
  for (const [name, list] of Object.entries(target.straps ?? {})) {
    const steps = strapBytes(list);
    const stored = await link.request("strap_set", { name: strapName(channel, name), steps }, REQUEST_MS);
    if (stored.kind !== "answer" || stored.body.steps !== steps) {
      wrong.push(`strap sequence ${name} of ${target.target}: ${reason(stored)}`);
    }
  }
  return wrong;
}

function reason(outcome: { kind: string; detail?: string }): string {
  if (outcome.kind === "answer") return "the board reads back something else";
  return outcome.kind === "refused" ? `the board refused them (${outcome.detail})` : "no answer";
}
