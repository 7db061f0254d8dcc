import { bodyCheck, Fault, Outcome, PowerAction, Refusal, StrapLine, StrapStep } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { channelState, switchChannel } from "./settings.ts";

export const strapStep = (what: number, argument: number, wait_ms: number): string =>
  String.fromCharCode(what, argument, wait_ms & 255, wait_ms >> 8);

/** Off, strap line set, on, and the line released 200 ms later. */
const RECOVERY =
  strapStep(StrapStep.off, 0, 50) +
  strapStep(StrapStep.lines, StrapLine.strap, 10) +
  strapStep(StrapStep.on, 0, 200) +
  strapStep(StrapStep.lines, 0, 0);

/** Levels of channel 1's reset and strap lines at the outputs. */
function lines(bench: Bench): { reset: number; strap: number } {
  const { board, chain } = bench.electronics;
  const [channel] = board.channels;
  return { reset: chain.output(channel?.reset_bit ?? -1), strap: chain.output(channel?.strap_bit ?? -1) };
}

const hold = (bench: Bench, level: number) =>
  bench.request("reset_hold", { channel: 1, level, check: bodyCheck(1, level, 0) });

const run = { channel: 1, name: "recovery", check: bodyCheck(1, 0, 0) };

export const lineScenarios: Scenario[] = [
  {
    name: "reset is held until it is released; lines of a channel without power are let go of",
    needs: ["power", "lines", "physics"],
    async run(bench) {
      expect(await hold(bench, 1)).toMatchObject({ kind: "refused", code: Refusal.not_on });
      await power(bench, PowerAction.on);
      expect(await hold(bench, 1)).toMatchObject({ body: { outcome: Outcome.done, reset_asserted: 1 } });
      await bench.run(1000);
      expect(lines(bench)).toEqual({ reset: 1, strap: 0 });
      expect(await hold(bench, 0)).toMatchObject({ body: { outcome: Outcome.done, reset_asserted: 0 } });
      await hold(bench, 1);
      await power(bench, PowerAction.off);
      expect(lines(bench)).toEqual({ reset: 0, strap: 0 });
      await power(bench, PowerAction.on);
      expect(await channelState(bench)).toMatchObject({ reset_asserted: 0 });
    },
  },
  {
    name: "a strap sequence is stored, read back and run by the board to its end although the host is gone",
    needs: ["power", "lines", "settings", "physics"],
    async run(bench) {
      expect(await bench.request("strap_run", run)).toMatchObject({ kind: "refused", code: Refusal.not_stored });
      expect(await bench.request("strap_set", { name: "recovery", steps: "odd" })).toMatchObject({
        kind: "refused",
        code: Refusal.bad_value,
      });
      expect(await bench.request("strap_set", { name: "recovery", steps: RECOVERY })).toMatchObject({
        body: { name: "recovery", steps: RECOVERY },
      });
      await power(bench, PowerAction.on);
      const done = bench.send("strap_run", run);
      const seen: string[] = [];
      for (let ms = 0; ms < 1200; ms += 1) {
        const { strap } = lines(bench);
        const now = `${rail(bench).switchOn ? "on" : "off"} strap ${strap}`;
        if (seen.at(-1) !== now) seen.push(now);
        await bench.run(1);
        if (ms === 20) bench.unplug();
      }
      void done;
      expect(seen).toEqual(["on strap 0", "off strap 0", "on strap 1", "on strap 0"]);
    },
  },
  {
    name: "a strap sequence ends with a trip of its channel: it answers so, and touches no line any more",
    needs: ["power", "lines", "settings", "protection", "physics"],
    async run(bench) {
      const steps =
        strapStep(StrapStep.on, 0, 0) + strapStep(StrapStep.lines, StrapLine.strap, 500) + strapStep(StrapStep.lines, 0, 0);
      await bench.request("strap_set", { name: "recovery", steps });
      const ended = bench.send("strap_run", run);
      await bench.run(200);
      expect(lines(bench).strap).toBe(1);
      rail(bench).extra_a = 3.3;
      await bench.run(50);
      expect(await ended).toMatchObject({ body: { outcome: Outcome.fault, fault: Fault.hard_over_current } });
      expect(lines(bench)).toEqual({ reset: 0, strap: 0 });
      await bench.run(700);
      expect(lines(bench)).toEqual({ reset: 0, strap: 0 });
    },
  },
  {
    name: "a newer command ends a strap sequence and releases its lines; the sequence answers when its last step is done",
    needs: ["power", "lines", "settings", "physics"],
    async run(bench) {
      await bench.request("strap_set", { name: "recovery", steps: RECOVERY });
      await power(bench, PowerAction.on);
      expect(await bench.request("strap_run", run)).toMatchObject({ body: { outcome: Outcome.done, state: 2 } });
      const ended = bench.send("strap_run", run);
      await bench.run(30);
      expect(await switchChannel(bench, 1, PowerAction.off)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(await ended).toMatchObject({ body: { outcome: Outcome.superseded } });
      await bench.run(1000);
      expect(rail(bench).switchOn).toBe(false);
      expect(lines(bench)).toEqual({ reset: 0, strap: 0 });
    },
  },
];
