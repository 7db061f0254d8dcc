import { type BoardSession, type Body, bodyCheck, Cause, ChannelState, PowerAction, Refusal } from "@mltb/protocol";
import type { Power } from "./power.ts";
import type { Reset } from "./reset.ts";

const RESET_LONGEST_MS = 10000;
const CYCLE_LONGEST_MS = 60000;

/** Answers or refuses its tag exactly once, now or when its proof is there. */
export type Handler = (this: void, body: Body, tag: number, now_ms: number) => void;

/** What requests have in common: each check refuses the tag where it fails. */
interface Checks {
  /** Index of the channel of a body, or -1 after a refusal. */
  channelOf(this: void, body: Body, tag: number): number;
  checked(this: void, body: Body, tag: number, b: number, c: number): boolean;
  within(this: void, value: number, low: number, high: number, tag: number, what: string): boolean;
}

export function createChecks(channels: number, session: () => BoardSession): Checks {
  function channelOf(body: Body, tag: number): number {
    const channel = body["channel"] as number;
    if (channel >= 1 && channel <= channels) return channel - 1;
    session().refuse(tag, Refusal.bad_channel, "channel");
    return -1;
  }

  function checked(body: Body, tag: number, b: number, c: number): boolean {
    if (body["check"] === bodyCheck(body["channel"] as number, b, c)) return true;
    session().refuse(tag, Refusal.bad_check, "check");
    return false;
  }

  function within(value: number, low: number, high: number, tag: number, what: string): boolean {
    if (value >= low && value <= high) return true;
    session().refuse(tag, Refusal.bad_value, what);
    return false;
  }

  return { channelOf, checked, within };
}

/** Requests that switch and reset. */
export function createPowerRequests(
  channels: number,
  power: Power,
  reset: Reset,
  session: () => BoardSession,
): Record<string, Handler> {
  const { channelOf, checked, within } = createChecks(channels, session);
  return {
    power_set(this: void, body: Body, tag: number, now_ms: number): void {
      const action = body["action"] as number;
      const off_ms = body["off_ms"] as number;
      if (!checked(body, tag, action, off_ms)) return;
      const index = channelOf(body, tag);
      if (index < 0 || !within(action, PowerAction.off, PowerAction.cycle, tag, "action")) return;
      if (!within(off_ms, 0, CYCLE_LONGEST_MS, tag, "off_ms")) return;
      const refusal = power.command(index, action, off_ms, tag, Cause.command, now_ms);
      if (refusal !== 0) session().refuse(tag, refusal, "power_set");
    },
    channel_get(this: void, body: Body, tag: number): void {
      const index = channelOf(body, tag);
      if (index >= 0) power.answerState(index, tag);
    },
    reset_pulse(this: void, body: Body, tag: number): void {
      const pulse_ms = body["pulse_ms"] as number;
      if (!checked(body, tag, 0, pulse_ms)) return;
      const index = channelOf(body, tag);
      if (index < 0 || !within(pulse_ms, 1, RESET_LONGEST_MS, tag, "pulse_ms")) return;
      if (power.state(index) === ChannelState.on) reset.pulse(index, pulse_ms, tag);
      else session().refuse(tag, Refusal.not_on, "reset_pulse");
    },
    rearm(this: void, body: Body, tag: number, now_ms: number): void {
      const fault = body["fault"] as number;
      if (!checked(body, tag, fault, 0)) return;
      const index = channelOf(body, tag);
      if (index < 0) return;
      const refusal = power.rearm(index, fault, now_ms);
      if (refusal !== 0) session().refuse(tag, refusal, "rearm");
      else power.answerState(index, tag);
    },
  };
}
