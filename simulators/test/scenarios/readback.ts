import { monitoringBoard } from "@mltb/hardware";
import { bodyCheck, Fault, Outcome, PowerAction } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import type { Scenario } from "./scenario.ts";

/** A channel with nothing at its connector: closed or open, no current flows. */
const EMPTY = 2;

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
];
