import { monitoringBoard } from "@mltb/hardware";
import { bodyCheck, Fault, Outcome, PowerAction } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { rail as firstRail, power, type Scenario } from "./scenario.ts";
import { channelState, rearmed } from "./settings.ts";

/** A channel with nothing at its connector: closed or open, no current flows. */
const EMPTY = 2;
/** 8 mA that a monitor reads too much, in the unit of a calibration. */
const CURRENT_10UA = 800;

const set = (bench: Bench, action: (typeof PowerAction)[keyof typeof PowerAction]) =>
  bench.request("power_set", { channel: EMPTY, action, off_ms: 0, check: bodyCheck(EMPTY, action, 0) });

async function rearm(bench: Bench): Promise<void> {
  const body = { channel: EMPTY, fault: Fault.off_unproved, check: bodyCheck(EMPTY, Fault.off_unproved, 0) };
  expect((await bench.request("rearm", body)).kind).toBe("answer");
  await bench.run(700);
}

export const readbackScenarios: Scenario[] = [
  {
    name: "off floating of an output that is stuck is not believed, although nothing is drawn: its gate is read back",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      const { chain, rails } = bench.electronics;
      const rail = rails[EMPTY - 1];
      const bit = monitoringBoard.channels[EMPTY - 1]?.switch_bit as number;
      expect(await set(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 1 } });
      chain.stuck.set(bit, 1);
      const off = await set(bench, PowerAction.off_floating);
      expect(rail?.switchOn).toBe(true);
      expect(Math.abs(off.kind === "answer" ? off.body.current_ua : Number.NaN)).toBeLessThan(10_000);
      expect(off).toMatchObject({ body: { outcome: Outcome.fault, fault: Fault.off_unproved, switch_on: 1 } });
      chain.stuck.delete(bit);
      await rearm(bench);
      expect(await set(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 1 } });
      expect(await set(bench, PowerAction.off_floating)).toMatchObject({
        body: { outcome: Outcome.done, switch_on: 0 },
      });
      expect(rail?.voltage_v).toBeGreaterThan(4.5);
    },
  },
  {
    name: "off floating is not proved while the part that reads the gates back does not answer; off discharged is",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      const { parts } = bench.electronics.buses[monitoringBoard.panel_bus] as (typeof bench.electronics.buses)[0];
      const part = parts.get(monitoringBoard.readback_address);
      if (part === undefined) throw new Error("no part reads the gates back");
      parts.delete(monitoringBoard.readback_address);
      expect(await set(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 2 } });
      const off = await set(bench, PowerAction.off_floating);
      expect(off).toMatchObject({ body: { outcome: Outcome.fault, fault: Fault.off_unproved, switch_on: 2 } });
      await rearm(bench);
      expect(await set(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(await set(bench, PowerAction.off)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 2 } });
      parts.set(monitoringBoard.readback_address, part);
      expect(await set(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 1 } });
      expect(await set(bench, PowerAction.off_floating)).toMatchObject({
        body: { outcome: Outcome.done, switch_on: 0 },
      });
    },
  },
  {
    name: "off is not proved while current flows: 8 mA either way are too much for it, discharged and floating; a switch that floats and sticks is found by its current",
    needs: ["power", "settings", "breakable"],
    async run(bench) {
      const shows = async (current_10ua: number): Promise<void> => {
        const none = { voltage_ppm: 0, voltage_100uv: 0, current_ppm: 0, fast_ppm: 0, fast_10ua: 0, drift_ppm_k: 0 };
        const body = { channel: 1, ...none, current_10ua, at_10mc: 0 };
        expect(await bench.request("calibration_set", { ...body, check: bodyCheck(1, 0, 0) })).toMatchObject({
          body: { ...body, valid: 1 },
        });
      };
      const unproved = { body: { outcome: Outcome.fault, fault: Fault.off_unproved, switch_on: 0 } };
      await power(bench, PowerAction.on);
      for (const action of [PowerAction.off, PowerAction.off_floating]) {
        for (const sign of [1, -1]) {
          // Above the 5 mA of the proof, below the 10 mA at which a channel that is off is live.
          await shows(sign * CURRENT_10UA);
          const off = await power(bench, action);
          expect(off).toMatchObject(unproved);
          expect(off.kind === "answer" && sign * off.body.current_ua).toBeGreaterThan(5000);
          expect(firstRail(bench).switchOn).toBe(false);
          if (action === PowerAction.off) expect(firstRail(bench).voltage_v).toBeLessThan(0.25);
          await shows(0);
          await bench.run(50);
          await rearmed(bench, Fault.off_unproved);
        }
      }
      bench.world.breakChannel?.(0, "stuck-on");
      firstRail(bench).extra_a = 0.2;
      expect(await power(bench, PowerAction.off_floating)).toMatchObject(unproved);
      expect((await channelState(bench)).current_ua).toBeGreaterThan(150_000);
    },
  },
];
