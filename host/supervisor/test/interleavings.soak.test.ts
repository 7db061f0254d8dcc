import { random } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import { scale, type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

const COMMANDS = scale(800, 10_000, 100_000);
const CLIENTS = 8;
const ROUND = 400;
const SEED = 6;

let bay: VirtualCommands;
afterEach(() => bay.stop());

interface Sent {
  id: string;
  target: string;
  state: "on" | "off" | "cycle";
  accepted_seq: number | undefined;
  result: CommandResult | undefined;
}

test(`pdudaemon: an off during a reboot is overtaken: ${COMMANDS} interleaved commands of ${CLIENTS} clients end as the last accepted one asked, each run at most once`, {
  timeout: 0,
}, async () => {
  bay = await virtualCommands();
  const source = random(SEED);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(source.uniform() * of.length)] as T;
  let issued = 0;
  let repeated = 0;
  let accepted = 0;
  const wrong: string[] = [];
  while (issued < COMMANDS && wrong.length === 0) {
    const round: Sent[] = [];
    const sentBefore = new Map([...bay.sent].map(([channel, actions]) => [channel, actions.length]));
    const run = (command: Sent, user: string): void => {
      const args = { state: command.state, ...(command.state === "cycle" ? { off_ms: 50 } : {}) };
      void bay.commands
        .run(bay.caller(user, { id: command.id }), "target", command.target, "power", args, (seq) => {
          command.accepted_seq = seq;
        })
        .then((result) => {
          command.result = result;
        });
    };
    while (round.length < ROUND && issued < COMMANDS) {
      const client = Math.floor(source.uniform() * CLIENTS);
      const again = source.uniform() < 0.05 ? round.at(-1) : undefined;
      if (again !== undefined) {
        // The same message once more, as QoS 1 may deliver it: same user, same id.
        repeated += 1;
        run({ ...again }, again.id.split("/")[0] as string);
      } else {
        const state = pick(["on", "off", "cycle"] as const);
        const id = `client${client}/${issued}`;
        const command: Sent = { id, target: pick(bay.targets), state, accepted_seq: undefined, result: undefined };
        round.push(command);
        run(command, `client${client}`);
        issued += 1;
      }
      if (source.uniform() < 0.25) await bay.time.run(Math.floor(source.uniform() * 8));
    }
    await bay.time.until(() => round.every((command) => command.result !== undefined), 20_000);
    await bay.time.run(300);
    for (const { accepted_seq, result } of round) {
      if (accepted_seq !== undefined) accepted += 1;
      else if (result?.status !== "refused" || result.code !== "busy") wrong.push(JSON.stringify(result));
    }
    for (const target of bay.targets) {
      const mine = round.filter((command) => command.target === target && command.accepted_seq !== undefined);
      const last = mine.sort((a, b) => (a.accepted_seq ?? 0) - (b.accepted_seq ?? 0)).at(-1);
      const { channel } = bay.commands.find(target).channel;
      const ran = (bay.sent.get(channel)?.length ?? 0) - (sentBefore.get(channel) ?? 0);
      if (ran !== mine.length) wrong.push(`${target}: ${mine.length} accepted, ${ran} sent to the board`);
      if (last !== undefined && bay.rail(target).switchOn !== (last.state !== "off")) {
        wrong.push(`${target}: ${last.id} asked ${last.state} with seq ${last.accepted_seq}`);
      }
      if (last !== undefined && last.result?.status !== "done") {
        wrong.push(`${target}: the last command ended ${JSON.stringify(last.result)}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(accepted).toBeGreaterThan(COMMANDS / 2);
  expect(repeated).toBeGreaterThan(COMMANDS / 50);
});
