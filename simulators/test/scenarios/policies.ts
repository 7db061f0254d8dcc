import { bodyCheck, Cause, Fault, HostLoss, Outcome, PowerAction, Refusal, Restore } from "@mltb/protocol";
import { expect } from "vitest";
import { power, powers_w, rail, type Scenario } from "./scenario.ts";
import { channelState, configure, configureRack, OWN, outage, switchChannel } from "./settings.ts";

/** DESIGN section 4: a stall bites within this, and outputs go to their policy. */
const STALL_MS = 500;

export const policyScenarios: Scenario[] = [
  {
    name: "restore after an outage: off stays off, on goes on, last is what was commanded last, and the cause of the restart is told",
    needs: ["power", "settings", "restarts", "hangs", "physics"],
    async run(bench) {
      await configure(bench, 1, { restore: Restore.last });
      await configure(bench, 2, { restore: Restore.on });
      await power(bench, PowerAction.on);
      await switchChannel(bench, 3, PowerAction.on);
      await outage(bench);
      // The power was away: no watchdog (1), no error of the software (2), no other bundle (4).
      expect(bench.welcome()?.reset_cause).toBe(0);
      expect(bench.world.switches().slice(0, 3)).toEqual([1, 1, 0]);
      expect(await channelState(bench)).toMatchObject({ state: 2, fault: 0 });
      await power(bench, PowerAction.off);
      await outage(bench);
      expect(bench.world.switches().slice(0, 3)).toEqual([0, 1, 0]);
      expect(bench.welcome()?.reset_cause).toBe(0);
      // Firmware that hangs is ended by the watchdog, which says so.
      await power(bench, PowerAction.on);
      await bench.hang();
      let ms = 0;
      for (; bench.world.switches().includes(1) && ms < 2 * STALL_MS; ms += 1) await bench.run(1);
      expect(ms).toBeLessThanOrEqual(STALL_MS);
      await bench.run(2500);
      expect(bench.welcome()?.reset_cause).toBe(1);
      expect(bench.world.switches().slice(0, 3)).toEqual([1, 1, 0]);
    },
  },
  {
    name: "a latched fault outlives an outage, and no restore policy switches it on again",
    needs: ["power", "settings", "restarts", "physics"],
    async run(bench) {
      await configure(bench, 1, { restore: Restore.on });
      await power(bench, PowerAction.on);
      rail(bench).extra_a = 3.3;
      await bench.run(700);
      rail(bench).extra_a = 0;
      await outage(bench);
      expect(await channelState(bench)).toMatchObject({ fault: Fault.hard_over_current, switch_on: 0 });
      // Proved to be off again, it takes nothing from the budget.
      expect(await bench.request("rack_get", {})).toMatchObject({ body: { used_ma: 0 } });
      const check = bodyCheck(1, Fault.hard_over_current, 0);
      expect((await bench.request("rearm", { channel: 1, fault: Fault.hard_over_current, check })).kind).toBe("answer");
      await bench.run(700);
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
    },
  },
  {
    name: "host loss: a channel that keeps stays on, one with the policy off is switched off after its time",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      await configure(bench, 1, { host_loss: HostLoss.off, host_loss_ms: 1500 });
      await power(bench, PowerAction.on);
      await switchChannel(bench, 2, PowerAction.on);
      bench.unplug();
      await bench.run(1000);
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 1]);
      // A silent host counts as gone after 1.8 s at the latest (twice `SILENCE_MS`); then come the policy's 1.5 s.
      await bench.run(2400);
      expect(bench.world.switches().slice(0, 2)).toEqual([0, 1]);
    },
  },
  {
    name: "interlock: of a group at most one channel is on; the refusal switches nothing, a pending cycle counts as on",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      for (const channel of [1, 2]) await configure(bench, channel, { interlock: 1 });
      await power(bench, PowerAction.on);
      const refused = { kind: "refused", code: Refusal.interlocked };
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject(refused);
      expect(await switchChannel(bench, 2, PowerAction.cycle, 10)).toMatchObject(refused);
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 0]);
      const cycle = bench.send("power_set", {
        channel: 1,
        action: PowerAction.cycle,
        off_ms: 600,
        check: bodyCheck(1, PowerAction.cycle, 600),
      });
      await bench.run(400);
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject(refused);
      await power(bench, PowerAction.off);
      expect(await cycle).toMatchObject({ body: { outcome: Outcome.superseded } });
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
    },
  },
  {
    name: "a cycle is pending on every channel: a newer command still arrives, ends its cycle at once, and the others go on",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      const channels = bench.world.switches().map((_, n) => n + 1);
      const ended: number[] = [];
      for (const channel of channels) {
        const check = bodyCheck(channel, PowerAction.cycle, 1500);
        const body = { channel, action: PowerAction.cycle, off_ms: 1500, check };
        void bench.send("power_set", body).then(() => ended.push(channel));
      }
      await bench.run(300);
      expect(await switchChannel(bench, 1, PowerAction.off)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(ended).toEqual([1]);
      await bench.run(1600);
      expect(bench.world.switches()).toEqual(channels.map((channel) => (channel === 1 ? 0 : 1)));
    },
  },
  {
    name: "interlock and budget hold when settings change: what would break them is refused and changes nothing",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      await configure(bench, 1, { interlock: 1 });
      await power(bench, PowerAction.on);
      await switchChannel(bench, 2, PowerAction.on);
      const settings = { channel: 2, ...OWN, interlock: 1, check: bodyCheck(2, OWN.restore, OWN.over_mv) };
      expect(await bench.request("settings_set", settings)).toMatchObject({ code: Refusal.interlocked });
      expect(await bench.request("settings_get", { channel: 2 })).toMatchObject({ body: { interlock: 0 } });
      const rules = (budget_ma: number) => ({ budget_ma, stagger_ms: 0, check: bodyCheck(0, 0, budget_ma) });
      expect(await bench.request("rack_set", rules(5000))).toMatchObject({ code: Refusal.over_budget });
      const limits = {
        channel: 2,
        hard_ma: 2900,
        slow_ms: 60,
        inrush_ma: 4000,
        inrush_ms: 20,
        check: bodyCheck(2, 0, 2900),
      };
      expect((await bench.request("limits_set", { ...limits, slow_ma: 1500 })).kind).toBe("answer");
      await configureRack(bench, 5000, 0);
      expect(await bench.request("limits_set", { ...limits, slow_ma: 2300 })).toMatchObject({
        code: Refusal.over_budget,
      });
      expect((await bench.request("limits_set", { ...limits, slow_ma: 2200 })).kind).toBe("answer");
      expect(await bench.request("rack_get", {})).toMatchObject({ body: { budget_ma: 5000, used_ma: 5000 } });
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 1]);
    },
  },
  {
    name: "rack budget: what would exceed it is refused as a whole and switches nothing; what is switched off makes room",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      // Each channel counts with its slow limit of 2.8 A.
      await configureRack(bench, 6000, 0);
      await power(bench, PowerAction.on);
      await switchChannel(bench, 2, PowerAction.on);
      expect(await switchChannel(bench, 3, PowerAction.on)).toMatchObject({
        kind: "refused",
        code: Refusal.over_budget,
      });
      expect(bench.world.switches().slice(0, 3)).toEqual([1, 1, 0]);
      expect(await bench.request("rack_get", {})).toMatchObject({ body: { budget_ma: 6000, used_ma: 5600 } });
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      await switchChannel(bench, 2, PowerAction.off);
      expect(await switchChannel(bench, 3, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
    },
  },
  {
    name: "staggered start: switches that are told to close together close at least 100 ms apart, also after an outage",
    needs: ["power", "settings", "restarts", "physics"],
    async run(bench) {
      await configureRack(bench, 0, 100);
      for (const channel of [1, 2, 3]) await configure(bench, channel, { restore: Restore.on });
      const closings = async (ms: number): Promise<number[]> => {
        const found: number[] = [];
        let before = bench.world.switches();
        for (let n = 0; n < ms; n += 1) {
          await bench.run(1);
          const now = bench.world.switches();
          for (const [i, level] of now.entries()) if (level === 1 && before[i] === 0) found.push(n);
          before = now;
        }
        return found;
      };
      const apart = (times: number[]): boolean =>
        times.every((time, n) => n === 0 || time - (times[n - 1] as number) >= 99);
      for (const channel of [1, 2, 3]) {
        const check = bodyCheck(channel, PowerAction.on, 0);
        void bench.send("power_set", { channel, action: PowerAction.on, off_ms: 0, check });
      }
      const commanded = await closings(700);
      expect(commanded).toHaveLength(3);
      expect(apart(commanded)).toBe(true);
      for (const channel of [1, 2, 3]) expect(await channelState(bench, channel)).toMatchObject({ state: 2 });
      bench.powerCycle();
      const restored = await closings(2500);
      expect(restored).toHaveLength(3);
      expect(apart(restored)).toBe(true);
    },
  },
  {
    name: "settings are read back, refused where they make no sense, and outlive an outage with limits and calibration",
    needs: ["settings", "restarts", "physics"],
    async run(bench) {
      await configure(bench, 4, { restore: Restore.last, interlock: 3, under_mv: 4000, drift_ma: 0 });
      const wild = { channel: 4, restore: 3, host_loss: 0, interlock: 0, host_loss_ms: 0, over_mv: 5500, under_mv: 0 };
      const rest = { reverse_ma: 0, drift_ma: 0, check: bodyCheck(4, 3, 5500) };
      expect(await bench.request("settings_set", { ...wild, ...rest })).toMatchObject({ code: Refusal.bad_value });
      const limits = { channel: 4, hard_ma: 1000, slow_ma: 800, slow_ms: 100, inrush_ma: 2000, inrush_ms: 10 };
      await bench.request("limits_set", { ...limits, check: bodyCheck(4, 0, 1000) });
      const calibration = {
        channel: 4,
        voltage_ppm: -900,
        voltage_100uv: 12,
        current_ppm: 1500,
        current_10ua: -25,
        fast_ppm: 700,
        fast_10ua: 3,
        drift_ppm_k: 40,
        at_10mc: 2500,
      };
      const check = bodyCheck(4, 0, -900 & 65535);
      expect(await bench.request("calibration_set", { ...calibration, check })).toMatchObject({
        body: { ...calibration, valid: 1 },
      });
      await outage(bench);
      expect(await bench.request("settings_get", { channel: 4 })).toMatchObject({
        body: { restore: Restore.last, interlock: 3, under_mv: 4000, drift_ma: 0, stored: 1 },
      });
      expect(await bench.request("limits_get", { channel: 4 })).toMatchObject({ body: limits });
      expect(await bench.request("calibration_get", { channel: 4 })).toMatchObject({
        body: { ...calibration, valid: 1 },
      });
    },
  },
  {
    name: "energy counters go on when the host starts anew",
    needs: ["protection", "samples", "settings", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(300);
      const before = bench.welcome();
      const { nonce } = bench;
      const { counted_w, true_w } = await powers_w(bench, async () => {
        await bench.restartHost();
        await bench.run(300);
      });
      // Another session of the same board, which did not begin anew.
      const after = bench.welcome();
      expect(after).toMatchObject({ nonce: bench.nonce, epoch: before?.epoch });
      expect(bench.nonce).not.toBe(nonce);
      expect(Number(after?.uptime_ms)).toBeGreaterThan(Number(before?.uptime_ms) + 1000);
      expect(true_w).toBeGreaterThan(1);
      expect(Math.abs(counted_w / true_w - 1)).toBeLessThan(0.02);
      expect((await channelState(bench)).cause).toBe(Cause.command);
    },
  },
];
