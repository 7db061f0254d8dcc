import type { BayTarget } from "@mltb/contract";
import { Cause, ChannelState, Fault, type Message } from "@mltb/protocol";
import { expect, test } from "vitest";
import { ChannelModel } from "./channel.ts";

/** `switch_on` of a gate that could not be read back. */
const UNREAD = 2;

/** A channel, and what its board says of it: each time with the next sequence number. */
function channelOfBoard() {
  const channel = new ChannelModel("r1", { target: "t1", channel: 1 } as BayTarget);
  let state_seq = 0;
  const said = (switch_on: number, more: Partial<Message<"channel_answer">> = {}): boolean => {
    state_seq += 1;
    const measured = { voltage_mv: 0, current_ua: 0, reset_asserted: 0 };
    const proved = { state: ChannelState.unknown, fault: Fault.none, cause: Cause.command };
    return channel.apply({ channel: 1, ...measured, ...proved, switch_on, state_seq, ...more });
  };
  return { channel, said };
}

test("a gate that cannot be read back leaves the switch as it was seen last, open or closed", () => {
  const { channel, said } = channelOfBoard();
  said(0);
  said(1);
  said(UNREAD);
  expect(channel.switchOn).toBe(true);
  said(0);
  said(UNREAD);
  expect(channel.switchOn).toBe(false);
});

test("a gate that is read back again is no closing of its own: only open before and closed now is one", () => {
  const { channel, said } = channelOfBoard();
  for (const switch_on of [0, 1, UNREAD, 1, UNREAD, UNREAD, 1]) said(switch_on);
  expect(channel.closings).toBe(1);
  for (const switch_on of [UNREAD, 0, UNREAD, 1]) said(switch_on);
  expect(channel.closings).toBe(2);
});

test("what else a message with an unread gate says is taken", () => {
  const { channel, said } = channelOfBoard();
  said(1, { state: ChannelState.on, voltage_mv: 5000 });
  const dead = { state: ChannelState.fault, fault: Fault.sensor_dead, voltage_mv: 4100, current_ua: 250_000 };
  expect(said(UNREAD, dead)).toBe(true);
  expect(channel.view()).toMatchObject({
    power: "fault",
    voltage_v: 4.1,
    current_a: 0.25,
    fault: { id: "sensor-dead" },
  });
  expect(channel.switchOn).toBe(true);
});

test("where the gate was not read back since the board is there, its being closed is no sight of a closing", () => {
  const { channel, said } = channelOfBoard();
  said(UNREAD);
  said(1);
  expect([channel.switchOn, channel.closings]).toEqual([true, 0]);
  said(0);
  channel.forget();
  said(UNREAD);
  said(1);
  expect([channel.switchOn, channel.closings]).toEqual([true, 0]);
  said(0);
  said(1);
  expect(channel.closings).toBe(1);
});
