import { random } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import { scale, type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

const COMMANDS = scale(240, 8000, 100_000);
const FAILING = 0.1;
const SEED = 7;
/** "On" and "off" as the board has to prove them; the truth may ripple a bit beside what was read. */
const ON_V = [4.4, 5.6] as const;
const OFF_V = 0.6;
const OFF_A = 0.06;
/** From the board's proof to its answer here: what breaks in between is not known to anybody yet. */
const FRESH_MS = 10;

let bay: VirtualCommands;
afterEach(() => bay.stop());

test(`pdudaemon: a driver that fails is answered 200: ${COMMANDS} commands, every tenth on a broken channel, and no success that the rail does not confirm`, {
  timeout: 0,
}, async () => {
  bay = await virtualCommands();
  const source = random(SEED);
  const tally = { done: 0, failed: 0, refused: 0, unknown: 0, injected: 0, failedThoughSound: 0 };
  const wrong: string[] = [];
  let cycles = 0;
  /** Channels that were broken and have not worked since: a healed monitor has lost its configuration, which shows later. */
  const broken = new Set<string>();
  const faults = ["stuck-on", "stuck-off", "short", "sensor-dead"] as const;

  /** When the physics was last as a proof of "on" or "off" says. */
  const proved = new Map<string, { on_ms: number; off_ms: number }>();
  const look = (target: string): { on_ms: number; off_ms: number } => {
    const times = proved.get(target) ?? { on_ms: -1e9, off_ms: -1e9 };
    const { voltage_v, current_a } = bay.rail(target);
    if (voltage_v > ON_V[0] && voltage_v < ON_V[1]) times.on_ms = bay.time.now();
    if (voltage_v < OFF_V && Math.abs(current_a) < OFF_A) times.off_ms = bay.time.now();
    proved.set(target, times);
    return times;
  };
  for (const target of bay.targets) {
    const rail = bay.rail(target);
    const { step } = rail;
    rail.step = (...args) => {
      look(target);
      return step(...args);
    };
  }
  // What the bay says of a target without being asked must be as true as what it answers.
  let said = 0;
  bay.time.hub.on("power", ({ name, power }) => {
    if (power !== "on" && power !== "off") return;
    said += 1;
    const age_ms = bay.time.now() - look(name)[`${power}_ms`];
    if (age_ms > FRESH_MS) wrong.push(`${name} is said to be ${power}, which its rail was ${age_ms} ms ago`);
  });

  async function finish(running: Promise<CommandResult>): Promise<CommandResult> {
    let result: CommandResult | undefined;
    void running.then((value) => {
      result = value;
    });
    await bay.time.until(() => result !== undefined, 10_000);
    return result as CommandResult;
  }

  for (let n = 0; n < COMMANDS && wrong.length === 0; ) {
    // One command for each of the eight channels at a time, some of them on a channel that is broken or breaks meanwhile.
    const round = bay.targets.slice(0, COMMANDS - n).map((target) => {
      const state = source.uniform() < 0.5 ? "on" : source.uniform() < 0.7 ? "off" : "cycle";
      const fault = source.uniform() < FAILING ? faults[Math.floor(source.uniform() * faults.length)] : undefined;
      return { target, state, fault, before: source.uniform() < 0.5, result: undefined as CommandResult | undefined };
    });
    n += round.length;
    const breakIt = (target: string, fault: (typeof faults)[number] | "none"): void =>
      bay.rack.electronics.breakChannel(bay.commands.find(target).channel.channel - 1, fault);
    for (const one of round) {
      if (one.fault !== undefined) {
        tally.injected += 1;
        broken.add(one.target);
      }
      if (one.fault !== undefined && one.before) breakIt(one.target, one.fault);
      const args = { state: one.state, ...(one.state === "cycle" ? { off_ms: 20 } : {}) };
      const caller = bay.caller("client", { id: `${n}-${one.target}` });
      let accepted_ms = Number.POSITIVE_INFINITY;
      const onAccepted = (): void => {
        accepted_ms = bay.time.now();
      };
      void bay.commands.run(caller, "target", one.target, "power", args, onAccepted).then((result) => {
        one.result = result;
        tally[result.status] += 1;
        if (result.status === "done") {
          const age_ms = bay.time.now() - look(one.target)[one.state === "off" ? "off_ms" : "on_ms"];
          if (one.fault === undefined) broken.delete(one.target);
          const { power } = bay.commands.find(one.target).channel;
          if (power !== (one.state === "off" ? "off" : "on"))
            wrong.push(`${one.target} ${one.state}: done, and ${power}`);
          if (one.state === "cycle") {
            cycles += 1;
            const off_ms = look(one.target).off_ms;
            if (off_ms < accepted_ms) wrong.push(`${one.target} cycle: done, and not off since ${accepted_ms} ms`);
          }
          if (age_ms > FRESH_MS) {
            const { voltage_v, current_a } = bay.rail(one.target);
            wrong.push(
              `${one.target} ${one.state} with ${one.fault ?? "no fault"}: done at ${voltage_v} V, ${current_a} A`,
            );
          }
        } else if (!broken.has(one.target)) tally.failedThoughSound += 1;
      });
    }
    await bay.time.run(Math.floor(source.uniform() * 30));
    for (const one of round) {
      if (one.fault !== undefined && !one.before && one.result === undefined) breakIt(one.target, one.fault);
    }
    await bay.time.until(() => round.every((one) => one.result !== undefined), 10_000);
    for (const one of round) if (one.fault !== undefined) breakIt(one.target, "none");
    // What was broken shows by now, also where the command was through before.
    await bay.time.run(round.some((one) => one.fault !== undefined) ? 300 : 10);
    for (const target of bay.targets) {
      const { channel } = bay.commands.find(target);
      for (let tries = 0; channel.fault !== null && tries < 20; tries += 1) {
        const caller = bay.caller("client");
        await finish(bay.commands.run(caller, "target", target, "rearm", { fault: channel.fault.id }));
        await bay.time.run(100);
      }
      expect(channel.fault, `${target} could not be re-armed`).toBeNull();
    }
  }
  expect(wrong).toEqual([]);
  expect(said).toBeGreaterThan(COMMANDS / 4);
  expect(tally.done).toBeGreaterThan(COMMANDS * 0.7);
  expect(cycles).toBeGreaterThan(COMMANDS / 20);
  expect(tally.failed + tally.refused).toBeGreaterThan(tally.injected / 3);
  expect(tally.failedThoughSound).toBe(0);
});
