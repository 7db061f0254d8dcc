import { monitoringBoard, monitoringConverter } from "@mltb/hardware";
import { bodyCheck, Fault, type Message, Outcome, PowerAction, Refusal, Stream, TripSource } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, powers_w, rail, type Scenario } from "./scenario.ts";

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
    name: "hard over-current while the firmware hangs: hardware opens the switch, and an alert that nobody has read does not keep the channel off after the restart",
    needs: ["power", "protection", "hangs", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(100);
      const { skews, alert } = bench.electronics;
      await bench.hang();
      // The monitor alone sees too much, so that nothing but its alert opens the switch.
      rail(bench).extra_a = 1.5;
      skews[0] = 2;
      await bench.run(3);
      expect(rail(bench).switchOn).toBe(false);
      expect(alert()).toBe(0);
      skews[0] = 1;
      rail(bench).extra_a = 0;
      await bench.run(2500);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
    },
  },
  {
    name: "the waveform of a trip is kept from 100 ms before it to 100 ms after it, and read",
    needs: ["protection", "waveform", "physics"],
    async run(bench) {
      expect(await bench.request("waveform_get", { back: 0 })).toMatchObject({ body: { channel: 0, rows: 0 } });
      await power(bench, PowerAction.on);
      await bench.run(600);
      const before_a = rail(bench).current_a;
      rail(bench).extra_a = 3.2;
      await bench.run(250);
      const [trip] = trips(bench);
      const answer = await bench.request("waveform_get", { back: 0 });
      if (answer.kind !== "answer") throw new Error("no answer");
      const { channel, rows, left, period_us, tick_us } = answer.body;
      expect({ channel, left }).toEqual({ channel: 1, left: 0 });
      let bytes = "";
      while (bytes.length < 2 * rows) {
        const part = await bench.request("waveform_read", { first: bytes.length / 2, back: 0, what: 0 });
        if (part.kind !== "answer" || part.body.data === "") throw new Error("rows are missing");
        bytes += part.body.data;
      }
      expect(await bench.request("waveform_read", { first: rows, back: 0, what: 0 })).toMatchObject({
        body: { data: "" },
      });
      const codes = new Int16Array(rows);
      const view = Buffer.from(bytes, "latin1");
      for (let n = 0; n < rows; n += 1) codes[n] = view.readInt16LE(2 * n);
      const amps = [...codes].map((code) => (code * 1.2) / 32_768 / 20 / 0.02);
      const tripped = Math.round((Number(trip?.tick_us) - tick_us) / period_us);
      expect(tripped * period_us).toBeGreaterThanOrEqual(98_000);
      expect((rows - tripped) * period_us).toBeGreaterThanOrEqual(98_000);
      const mean = (from_ms: number, to_ms: number): number => {
        const part = amps.slice(tripped + (from_ms * 1000) / period_us, tripped + (to_ms * 1000) / period_us);
        return part.reduce((sum, value) => sum + value, 0) / part.length;
      };
      expect(mean(-90, -10)).toBeCloseTo(before_a, 1);
      expect(Math.max(...amps.slice(tripped - 3000 / period_us, tripped + 3000 / period_us))).toBeGreaterThan(2.9);
      expect(Math.abs(mean(50, 95))).toBeLessThan(0.05);
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
    name: "no blind window behind the inrush profile: above the hard limit the switch opens within 2 ms of its end",
    needs: ["protection", "physics"],
    async run(bench) {
      const switched: { on: boolean; at_us: number }[] = [];
      const first = rail(bench);
      let on = first.switchOn;
      Object.defineProperty(first, "switchOn", {
        get: () => on,
        set(next: boolean) {
          if (on !== next) switched.push({ on: next, at_us: bench.electronics.now_us() });
          on = next;
        },
      });
      first.extra_a = 3.3;
      await power(bench, PowerAction.on);
      await bench.run(40);
      expect(switched.map((event) => event.on)).toEqual([true, false]);
      const open_us = (switched[1]?.at_us ?? Number.NaN) - (switched[0]?.at_us ?? Number.NaN);
      const inrush_us = monitoringBoard.limits.inrush_ms * 1000;
      expect(open_us).toBeGreaterThan(inrush_us - 3000);
      expect(open_us).toBeLessThanOrEqual(inrush_us + 2000);
      expect(trips(bench)).toHaveLength(1);
    },
  },
  {
    name: "limits are set, read back, refused outside the board's ratings, and kept by the hardware",
    needs: ["protection", "physics"],
    async run(bench) {
      const set = (limits: Omit<Message<"limits_set">, "check">) =>
        bench.request("limits_set", { ...limits, check: bodyCheck(1, 0, limits.hard_ma) });
      // The board's own are its ratings, and each of them is taken.
      const rated = { channel: 1, hard_ma: 2950, slow_ma: 2800, slow_ms: 60, inrush_ma: 4000, inrush_ms: 20 };
      expect(await bench.request("limits_get", { channel: 1 })).toMatchObject({ kind: "answer", body: rated });
      expect(await set(rated)).toMatchObject({ kind: "answer", body: rated });
      const limits = { channel: 1, hard_ma: 1000, slow_ma: 800, slow_ms: 100, inrush_ma: 2000, inrush_ms: 10 };
      expect(await set(limits)).toMatchObject({ kind: "answer", body: limits });
      for (const beyond of [
        { hard_ma: 2951 },
        { hard_ma: 0, slow_ma: 0 },
        { slow_ma: 2801 },
        { slow_ma: 0 },
        { hard_ma: 1000, slow_ma: 1001 },
        { inrush_ma: 4001 },
        { hard_ma: 2000, slow_ma: 1000, inrush_ma: 1999 },
        { inrush_ms: 21 },
      ]) {
        expect(await set({ ...rated, ...beyond }), JSON.stringify(beyond)).toMatchObject({ code: Refusal.bad_value });
      }
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
      const follows = async (): Promise<void> => {
        const { counted_w, true_w } = await powers_w(bench, () => bench.run(1000));
        expect(Math.abs(counted_w / true_w - 1)).toBeLessThan(0.02);
      };
      const blocks = (): number => bench.messages.filter(({ name }) => name === "sample_block").length;
      await follows();
      expect(blocks()).toBe(0);
      const open = { stream: Stream.samples, ttl_ms: 10_000, period_us: 1e6 / monitoringConverter.rate_hz };
      expect(await bench.request("stream_open", open)).toMatchObject({ body: { period_us: 50 } });
      await follows();
      expect(blocks()).toBeGreaterThan(20);
    },
  },
];
