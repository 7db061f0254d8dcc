import { bodyCheck, Fault, type Message, Outcome, PowerAction, Refusal, TripSource } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario } from "./scenario.ts";

/** DESIGN section 4: from crossing the hard limit to the open switch. */
const HARD_US = 2000;

function trips(bench: Bench): Message<"trip">[] {
  return bench.messages.filter((m) => m.name === "trip").map((m) => m.body as unknown as Message<"trip">);
}

export const protectionScenarios: Scenario[] = [
  {
    name: "hard over-current opens the switch at once, latches, and the trip names its source and device time",
    needs: ["protection", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(50);
      const at = bench.electronics.now_us();
      rail(bench).extra_a = 3.2;
      await bench.run(3);
      expect(rail(bench).switchOn).toBe(false);
      await bench.run(50);
      const [trip] = trips(bench);
      expect(trip).toMatchObject({ channel: 1, fault: Fault.hard_over_current });
      expect(Number(trip?.tick_us) - at).toBeLessThanOrEqual(HARD_US);
      const state = await bench.request("channel_get", { channel: 1 });
      expect(state).toMatchObject({ kind: "answer", body: { fault: Fault.hard_over_current, switch_on: 0 } });
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
      rail(bench).extra_a = 0;
      const check = bodyCheck(1, Fault.hard_over_current, 0);
      expect((await bench.request("rearm", { channel: 1, fault: Fault.hard_over_current, check })).kind).toBe("answer");
      await bench.run(400);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    },
  },
  {
    name: "a short at turn-on is not hidden by the inrush profile: above its own limit the switch opens",
    needs: ["protection", "physics"],
    async run(bench) {
      rail(bench).extra_a = 4.6;
      expect(await power(bench, PowerAction.on)).toMatchObject({
        kind: "answer",
        body: { outcome: Outcome.fault, fault: Fault.hard_over_current, switch_on: 0 },
      });
      expect(trips(bench)[0]?.source).toBe(TripSource.alert);
    },
  },
  {
    name: "limits are set, read back, refused outside the board's ratings, and kept by the hardware",
    needs: ["protection", "physics"],
    async run(bench) {
      const limits = { channel: 1, hard_ma: 1000, slow_ma: 800, slow_ms: 100, inrush_ma: 2000, inrush_ms: 10 };
      const check = bodyCheck(1, 0, limits.hard_ma);
      expect(await bench.request("limits_set", { ...limits, check })).toMatchObject({ kind: "answer", body: limits });
      const wild = { ...limits, hard_ma: 60_000 };
      expect(await bench.request("limits_set", { ...wild, check: bodyCheck(1, 0, 60_000) })).toMatchObject({
        kind: "refused",
        code: Refusal.bad_value,
      });
      expect(await bench.request("limits_get", { channel: 1 })).toMatchObject({ kind: "answer", body: limits });
      await power(bench, PowerAction.on);
      await bench.run(50);
      rail(bench).extra_a = 0.9;
      await bench.run(3);
      expect(rail(bench).switchOn).toBe(false);
    },
  },
  {
    name: "the board's energy counters follow the physics, whether a host streams or not",
    needs: ["protection", "samples", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(50);
      const read = async (): Promise<number> => {
        const answer = await bench.request("energy_get", {});
        if (answer.kind !== "answer") throw new Error("no answer");
        const { data, period_us } = answer.body;
        const sum = Number(Buffer.from(data, "latin1").readBigInt64LE(0));
        return sum * (1.2 / 32_768 / 20 / 0.02) * 0.00125 * period_us * 1e-6;
      };
      const first = await read();
      const before = rail(bench).energy_j;
      await bench.run(1000);
      const counted = (await read()) - first;
      const truth = rail(bench).energy_j - before;
      // The time of the request itself lies between the two readings.
      expect(Math.abs(counted / truth - 1)).toBeLessThan(0.02);
    },
  },
];
