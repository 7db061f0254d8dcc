import { bodyCheck, Fault, HostLoss, type Message, Outcome, PowerAction, Refusal, Restore } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";

/** The board's own settings, by the names of the wire. */
export const OWN = {
  restore: Restore.off as number,
  host_loss: HostLoss.keep as number,
  interlock: 0,
  host_loss_ms: 5000,
  over_mv: 5500,
  under_mv: 0,
  reverse_ma: 100,
  drift_ma: 100,
};
type Settings = typeof OWN;

/** Sets a channel's settings, the board's own but for the given ones, and checks what is read back. */
export async function configure(bench: Bench, channel: number, change: Partial<Settings>): Promise<void> {
  const body = { channel, ...OWN, ...change };
  const check = bodyCheck(channel, body.restore, body.over_mv);
  expect(await bench.request("settings_set", { ...body, check })).toMatchObject({
    kind: "answer",
    body: { ...body, stored: 1 },
  });
}

/** Sets the rules of the rack. */
export async function configureRack(bench: Bench, budget_ma: number, stagger_ms: number): Promise<void> {
  const body = { budget_ma, stagger_ms, check: bodyCheck(0, 0, budget_ma) };
  expect(await bench.request("rack_set", body)).toMatchObject({ body: { budget_ma, stagger_ms, stored: 1 } });
}

/** A power command to any channel. */
export function switchChannel(bench: Bench, channel: number, action: number, off_ms = 0) {
  return bench.request("power_set", { channel, action, off_ms, check: bodyCheck(channel, action, off_ms) });
}

export async function channelState(bench: Bench, channel = 1): Promise<Message<"channel_answer">> {
  const answer = await bench.request("channel_get", { channel });
  if (answer.kind !== "answer") throw new Error(`channel_get: ${answer.kind}`);
  return answer.body;
}

/** Takes the supply of controller and parts away for a moment, and waits until the host is back. */
export async function outage(bench: Bench): Promise<void> {
  bench.powerCycle();
  await bench.run(2500);
}

/** Waits until the switch of channel 1 opens; milliseconds, at most `most`. */
export async function untilOpen(bench: Bench, most: number): Promise<number> {
  const rail = bench.world.rails[0];
  for (let ms = 0; ms < most; ms += 1) {
    if (rail?.switchOn !== true) return ms;
    await bench.run(1);
  }
  return most;
}

/** Clears a fault and proves that the channel can be used again. */
export async function rearmed(bench: Bench, fault: number): Promise<void> {
  expect(await channelState(bench)).toMatchObject({ fault, switch_on: 0 });
  expect(await switchChannel(bench, 1, PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
  const wrong = fault === Fault.over_current ? Fault.sensor_dead : Fault.over_current;
  expect(await bench.request("rearm", { channel: 1, fault: wrong, check: bodyCheck(1, wrong, 0) })).toMatchObject({
    kind: "refused",
    code: Refusal.bad_value,
  });
  expect((await bench.request("rearm", { channel: 1, fault, check: bodyCheck(1, fault, 0) })).kind).toBe("answer");
  await bench.run(700);
  expect(await switchChannel(bench, 1, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
}
