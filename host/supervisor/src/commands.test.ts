import type { BayTarget } from "@mltb/contract";
import { Cause, ChannelState, Outcome } from "@mltb/protocol";
import { expect, test } from "vitest";
import { policyCaller } from "./call.ts";
import { Commands } from "./commands.ts";
import type { Board } from "./device/board.ts";
import { ChannelModel } from "./device/channel.ts";

type ReadBack = { state: number; cause: number };

/** A board that confirms every command for power; what it says when it is asked afterwards is the test's. */
function confirming(readBack: (commands: Commands) => ReadBack | Promise<ReadBack>) {
  const channel = new ChannelModel("r1", { target: "t1", channel: 1 } as BayTarget);
  channel.unproved = true;
  let seq = 0;
  const said = (fields: ReadBack) => {
    seq += 1;
    return { kind: "answer", body: { ...fields, outcome: Outcome.done, fault: 0, switch_on: 0, state_seq: seq } };
  };
  const request = async (name: string): Promise<unknown> =>
    said(name === "power_set" ? { state: ChannelState.on, cause: Cause.command } : await readBack(commands));
  const board = {
    ...{ name: "b1", rack: "r1", channels: [channel], configured: Promise.resolve(), command_ms: 0, turn_ms: 0 },
    link: { session: { port: { open: true } }, lifecycle: "ready", request },
    observe: (of: ChannelModel, body: Parameters<ChannelModel["apply"]>[0]) => of.apply(body),
  } as unknown as Board;
  const commands = new Commands([board]);
  return commands;
}
const power = (commands: Commands, state: string) =>
  commands.run(policyCaller("test"), "target", "t1", "power", { state });
const off = (cause: number): ReadBack => ({ state: ChannelState.off, cause });
const switchedOff = confirming(() => off(Cause.command));
const pressedOff = confirming(() => off(Cause.panel));

test("a read-back that differs while nobody has commanded anything newer is the board's failure", async () => {
  expect(await power(switchedOff, "on")).toMatchObject({
    status: "failed",
    code: "board_failed",
    message: "the board confirmed on and then read back off",
    state: { power: "off" },
  });
});

test("a read-back that differs because somebody has pressed a button is a newer command's", async () => {
  expect(await power(pressedOff, "on")).toMatchObject({ status: "refused", code: "superseded" });
});

test("a read-back that differs because a newer command was accepted and done meanwhile is that one's", async () => {
  let newer: Promise<unknown> | undefined;
  const commands = confirming(async (of) => {
    const first = newer === undefined;
    newer ??= power(of, "off");
    if (first) await newer;
    return off(Cause.command);
  });
  expect(await power(commands, "on")).toMatchObject({ status: "refused", code: "superseded", state: { power: "off" } });
  expect(await newer).toMatchObject({ status: "done" });
});
