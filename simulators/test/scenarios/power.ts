import { bodyCheck, Fault, Outcome, PowerAction, Refusal } from "@mltb/protocol";
import { expect } from "vitest";
import { power, rail, type Scenario, send, switches } from "./scenario.ts";
import { switchChannel } from "./settings.ts";

/** DESIGN section 4: off is proved, or reported, within this. */
const OFF_MS = 500;
/** The largest target that a channel carries. */
const LARGEST_UF = 2200;

export const powerScenarios: Scenario[] = [
  {
    name: "on is answered after the rail reached its voltage, off after it was discharged",
    needs: ["power"],
    async run(bench) {
      const physics = bench.offers.includes("physics");
      if (physics) rail(bench).capacitance_uf = LARGEST_UF;
      const on = await power(bench, PowerAction.on);
      expect(on).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, switch_on: 1 } });
      expect(on.kind === "answer" && on.body.voltage_mv).toBeGreaterThan(4500);
      if (physics) expect(rail(bench).voltage_v).toBeGreaterThan(4.5);
      await bench.run(50);
      const from_us = bench.clock_us();
      const off = await power(bench, PowerAction.off);
      const took_ms = (bench.clock_us() - from_us) / 1000;
      expect(off).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, switch_on: 0 } });
      expect(off.kind === "answer" && off.body.voltage_mv).toBeLessThan(300);
      if (!physics) return;
      expect(rail(bench).voltage_v).toBeLessThan(0.3);
      // Most of it is the time in which 50 Ohm discharge it.
      expect(took_ms).toBeGreaterThan(200);
      expect(took_ms).toBeLessThanOrEqual(OFF_MS + bench.world.late_us / 1000);
    },
  },
  {
    name: "off is not proved by a reading from before the switch opened, however shortly after it was closed",
    needs: ["power", "physics"],
    async run(bench) {
      // An answer comes with a sweep, each 10 ms: on and off fall everywhere between two of them.
      for (let phase_ms = 0; phase_ms < 10; phase_ms += 1) {
        for (const apart_ms of [1, 3]) {
          await bench.run(phase_ms);
          void send(bench, PowerAction.on);
          await bench.run(apart_ms);
          const off = await power(bench, PowerAction.off);
          expect(off).toMatchObject({ kind: "answer", body: { outcome: Outcome.done, switch_on: 0 } });
          expect(rail(bench).voltage_v, `off ${apart_ms} ms after on, ${phase_ms} ms after a sweep`).toBeLessThan(0.3);
        }
      }
    },
  },
  {
    name: "inrush stays at capacitance times slew: 470 uF x 1 V/ms = 0.47 A above the load",
    needs: ["power", "physics"],
    async run(bench) {
      rail(bench).peak_a = 0;
      await power(bench, PowerAction.on);
      const peak = rail(bench).peak_a;
      expect(peak).toBeGreaterThan(0.4);
      expect(peak).toBeLessThan(1.1);
    },
  },
  {
    name: "a dead monitor: on is not believed, the switch opens, the fault is latched until it is re-armed",
    needs: ["power", "removable-parts"],
    async run(bench) {
      const putBack = bench.world.removeMonitor?.(0);
      await bench.run(200);
      expect(await power(bench, PowerAction.on)).toMatchObject({
        kind: "answer",
        body: { outcome: Outcome.fault, fault: Fault.sensor_dead, switch_on: 0 },
      });
      expect(rail(bench).switchOn).toBe(false);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
      // A neighbour, where there is one, is switched and proved as ever.
      for (const neighbour of bench.world
        .switches()
        .map((_, n) => n + 1)
        .slice(1, 2)) {
        for (const action of [PowerAction.on, PowerAction.off]) {
          const answer = await switchChannel(bench, neighbour, action);
          expect(answer).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
        }
      }
      putBack?.();
      // Once a second it is looked for; being there again ends no fault.
      await bench.run(1200);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
      const rearm = { channel: 1, fault: Fault.sensor_dead, check: bodyCheck(1, Fault.sensor_dead, 0) };
      expect((await bench.request("rearm", rearm)).kind).toBe("answer");
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    },
  },
  {
    name: "slow over-current (2.8 A for 60 ms) opens the switch and latches",
    needs: ["power", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      rail(bench).extra_a = 2.62;
      // Where time is the host's, a busy host is late with the load and with what it sees.
      await bench.run(200 + bench.world.late_us / 100);
      expect(rail(bench).switchOn).toBe(false);
      const state = await bench.request("channel_get", { channel: 1 });
      expect(state).toMatchObject({ kind: "answer", body: { fault: Fault.over_current } });
      rail(bench).extra_a = 0;
      const check = bodyCheck(1, Fault.over_current, 0);
      expect((await bench.request("rearm", { channel: 1, fault: Fault.over_current, check })).kind).toBe("answer");
      await bench.run(400);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    },
  },
  {
    name: "a cycle finishes with the target on although the host is gone",
    needs: ["power", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      void send(bench, PowerAction.cycle, 300);
      await bench.run(20);
      bench.unplug();
      let sawOff = false;
      for (let i = 0; i < 1500; i += 1) {
        await bench.run(1);
        if (!rail(bench).switchOn) sawOff = true;
      }
      expect(sawOff).toBe(true);
      expect(rail(bench).switchOn).toBe(true);
    },
  },
  {
    name: "a newer command supersedes a pending cycle, and wins",
    needs: ["power"],
    async run(bench) {
      await power(bench, PowerAction.on);
      const cycle = send(bench, PowerAction.cycle, 2000);
      await bench.run(300);
      const off = await power(bench, PowerAction.off);
      expect(off).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
      expect(await cycle).toMatchObject({ kind: "answer", body: { outcome: Outcome.superseded } });
      await bench.run(3000);
      expect((await switches(bench))[0]).toBe(0);
    },
  },
  {
    name: "a wrong complement switches nothing",
    needs: ["power"],
    async run(bench) {
      expect(await power(bench, PowerAction.on, 0, bodyCheck(1, PowerAction.on, 0) ^ 1)).toMatchObject({
        kind: "refused",
        code: Refusal.bad_check,
      });
      expect((await switches(bench))[0]).toBe(0);
    },
  },
  {
    name: "reset is refused while the target is off and pulses its line while it is on",
    needs: ["power", "reset", "physics"],
    async run(bench) {
      const body = { channel: 1, pulse_ms: 50, check: bodyCheck(1, 0, 50) };
      expect(await bench.request("reset_pulse", body)).toMatchObject({ kind: "refused", code: Refusal.not_on });
      await power(bench, PowerAction.on);
      const { world } = bench;
      const edges: number[] = [];
      let level = 0;
      world.onOutputs(() => {
        if (world.reset(0) !== level) edges.push(bench.clock_us());
        level = world.reset(0);
      });
      expect(await bench.request("reset_pulse", body)).toMatchObject({
        kind: "answer",
        body: { outcome: Outcome.done, reset_asserted: 0 },
      });
      await bench.run(Math.ceil(world.late_us / 1000));
      const [start = 0, end = 0] = edges;
      expect(edges).toHaveLength(2);
      expect(end - start).toBeGreaterThanOrEqual(50_000 - world.late_us);
      expect(end - start).toBeLessThanOrEqual(62_000 + world.late_us);
    },
  },
];
