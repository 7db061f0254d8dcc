import { bodyCheck, Fault, Outcome, PowerAction, Refusal, StrapLine, StrapStep } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { channelState, outage, switchChannel } from "./settings.ts";

export const strapStep = (what: number, argument: number, wait_ms: number): string =>
  String.fromCharCode(what, argument, wait_ms & 255, wait_ms >> 8);

/** Off, strap line set, on, and the line released 200 ms later. */
const RECOVERY =
  strapStep(StrapStep.off, 0, 80) +
  strapStep(StrapStep.lines, StrapLine.strap, 80) +
  strapStep(StrapStep.on, 0, 200) +
  strapStep(StrapStep.lines, 0, 0);

/** Both lines, the reset let go of first. */
const PULSE =
  strapStep(StrapStep.lines, StrapLine.reset | StrapLine.strap, 60) +
  strapStep(StrapStep.lines, StrapLine.strap, 130) +
  strapStep(StrapStep.lines, 0, 0);

/** A wait is over when the sequence is looked at next, every 10 ms; a proof comes with a sweep, and both may be late by a turn. */
const LATE_MS = 45;

/** Levels of channel 1's reset and strap lines at the outputs. */
function lines(bench: Bench): { reset: number; strap: number } {
  const { board, chain } = bench.electronics;
  const [channel] = board.channels;
  return { reset: chain.output(channel?.reset_bit ?? -1), strap: chain.output(channel?.strap_bit ?? -1) };
}

const hold = (bench: Bench, level: number) =>
  bench.request("reset_hold", { channel: 1, level, check: bodyCheck(1, level, 0) });

const runOf = (name: string) => ({ channel: 1, name, check: bodyCheck(1, 0, 0) });
const run = runOf("recovery");

/** What a sequence does, in the order in which it happens: what has come to be, and after how many milliseconds. */
async function watch(bench: Bench, ms: number, each: (ms: number) => void = () => undefined) {
  const seen: { what: string; at_ms: number }[] = [];
  const last: Record<string, string> = {};
  for (let at_ms = 0; at_ms < ms; at_ms += 1) {
    const { switchOn, voltage_v } = rail(bench);
    const { reset, strap } = lines(bench);
    const now = {
      switch: switchOn ? "closed" : "open",
      // Between them it proves nothing.
      rail: voltage_v > 4.5 ? "up" : voltage_v < 0.25 ? "down" : last["rail"],
      reset: `${reset}`,
      strap: `${strap}`,
    };
    for (const [name, value] of Object.entries(now)) {
      if (at_ms > 0 && value !== last[name]) seen.push({ what: `${name} ${value}`, at_ms });
      last[name] = value as string;
    }
    each(at_ms);
    await bench.run(1);
  }
  return {
    what: seen.map(({ what }) => what),
    after_ms: (n: number) => (seen[n]?.at_ms ?? 0) - (seen[n - 1]?.at_ms ?? 0),
  };
}

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
    needs: ["power", "lines", "settings", "restarts", "physics"],
    async run(bench) {
      expect(await bench.request("strap_run", run)).toMatchObject({ kind: "refused", code: Refusal.not_stored });
      expect(await bench.request("strap_set", { name: "recovery", steps: "odd" })).toMatchObject({
        kind: "refused",
        code: Refusal.bad_value,
      });
      expect(await bench.request("strap_set", { name: "recovery", steps: RECOVERY })).toMatchObject({
        body: { name: "recovery", steps: RECOVERY },
      });
      await bench.request("strap_set", { name: "pulse", steps: PULSE });
      await outage(bench);
      expect(await bench.request("strap_get", { name: "recovery" })).toMatchObject({ body: { steps: RECOVERY } });
      expect(await bench.request("strap_get", { name: "none" })).toMatchObject({ body: { steps: "" } });
      await power(bench, PowerAction.on);
      const pulsed = bench.send("strap_run", runOf("pulse"));
      const pulse = await watch(bench, 400);
      expect(pulse.what).toEqual(["reset 1", "strap 1", "reset 0", "strap 0"]);
      expect(await pulsed).toMatchObject({ body: { outcome: Outcome.done } });
      const done = bench.send("strap_run", run);
      const recovery = await watch(bench, 1200, (ms) => {
        if (ms === 20) bench.unplug();
      });
      void done;
      // The line is driven from the moment at which the switch closes: nothing feeds a target without power.
      expect(recovery.what).toEqual(["switch open", "rail down", "switch closed", "strap 1", "rail up", "strap 0"]);
      const waits: [waited_ms: number, least_ms: number][] = [
        [pulse.after_ms(2), 60],
        [pulse.after_ms(3), 130],
        [recovery.after_ms(2), 80 + 80],
        [recovery.after_ms(5), 200],
      ];
      for (const [waited_ms, least_ms] of waits) {
        // Lines are looked at once in a millisecond.
        expect(waited_ms).toBeGreaterThanOrEqual(least_ms - 1);
        expect(waited_ms).toBeLessThanOrEqual(least_ms + LATE_MS);
      }
    },
  },
  {
    name: "a strap sequence ends with a trip of its channel: it answers so, and touches no line any more",
    needs: ["power", "lines", "settings", "protection", "physics"],
    async run(bench) {
      const steps =
        strapStep(StrapStep.on, 0, 0) +
        strapStep(StrapStep.lines, StrapLine.strap, 500) +
        strapStep(StrapStep.lines, 0, 0);
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
      // A command that changes no switch: nothing else takes the lines from the target.
      await power(bench, PowerAction.on);
      const both = strapStep(StrapStep.lines, StrapLine.reset | StrapLine.strap, 2000);
      await bench.request("strap_set", { name: "recovery", steps: both + strapStep(StrapStep.off, 0, 0) });
      const held = bench.send("strap_run", run);
      await bench.run(200);
      expect(lines(bench)).toEqual({ reset: 1, strap: 1 });
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(await held).toMatchObject({ body: { outcome: Outcome.superseded } });
      expect(lines(bench)).toEqual({ reset: 0, strap: 0 });
      for (let ms = 0; ms < 2500; ms += 10) {
        expect([ms, rail(bench).switchOn, lines(bench)]).toEqual([ms, true, { reset: 0, strap: 0 }]);
        await bench.run(10);
      }
    },
  },
];
