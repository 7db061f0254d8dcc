import { Fault, type Message, Outcome, PowerAction, TripSource } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { channelState, configure, rearmed, switchChannel, untilOpen } from "./settings.ts";

/** DESIGN section 4: limits that software keeps. */
const SOFT_MS = 20;

/** Changes the physics, and expects a trip within the software limits' time, told as an event, and ended by re-arming. */
async function trips(bench: Bench, fault: number, change: (on: boolean) => void): Promise<void> {
  await power(bench, PowerAction.on);
  await bench.run(50);
  change(true);
  expect(await untilOpen(bench, 100)).toBeLessThanOrEqual(SOFT_MS);
  change(false);
  await bench.run(20);
  const event = bench.messages.find(({ name }) => name === "trip")?.body as unknown as Message<"trip">;
  expect(event).toMatchObject({ channel: 1, fault, source: TripSource.firmware });
  await bench.run(400);
  await rearmed(bench, fault);
}

export const limitScenarios: Scenario[] = [
  {
    name: "over-voltage (above 5.5 V) opens the switch within 20 ms and latches",
    needs: ["power", "settings", "physics"],
    run: (bench) =>
      trips(bench, Fault.over_voltage, (on) => {
        rail(bench).extra_v = on ? 0.8 : 0;
      }),
  },
  {
    name: "under-voltage opens the switch of a channel that is on within 20 ms and latches",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      await configure(bench, 1, { under_mv: 4600 });
      await trips(bench, Fault.under_voltage, (on) => {
        rail(bench).extra_v = on ? -0.8 : 0;
        // Nothing else takes the charge from the rail in time.
        rail(bench).extra_a = on ? 0.5 : 0;
      });
    },
  },
  {
    name: "reverse current (a target that feeds back) opens the switch within 20 ms and latches",
    needs: ["power", "settings", "physics"],
    run: (bench) =>
      trips(bench, Fault.reverse_current, (on) => {
        rail(bench).extra_a = on ? -0.6 : 0;
      }),
  },
  {
    name: "a command on for a channel that is on keeps its limits: over-current opens the switch in its time, however often it comes",
    needs: ["power", "protection", "settings", "physics"],
    heavy: true,
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(100);
      // Between the slow limit and the hard one.
      rail(bench).extra_a = 2.87 - rail(bench).current_a;
      let after_ms = 0;
      for (; after_ms < 400 && rail(bench).switchOn; after_ms += 40) {
        await switchChannel(bench, 1, PowerAction.on);
        await bench.run(40);
      }
      expect(after_ms).toBeLessThanOrEqual(200);
      rail(bench).extra_a = 0;
      await bench.run(700);
      await rearmed(bench, Fault.over_current);
      await bench.run(100);
      // A new inrush profile would let this through for 20 ms.
      await switchChannel(bench, 1, PowerAction.on);
      rail(bench).extra_a = 3.3;
      expect(await untilOpen(bench, 100)).toBeLessThanOrEqual(3);
      rail(bench).extra_a = 0;
      await bench.run(700);
      await rearmed(bench, Fault.hard_over_current);
    },
  },
  {
    name: "sensor drift: a monitor that reads 30 per cent too much is found by the other current, a load in bursts is not",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      for (let n = 0; n < 50; n += 1) {
        rail(bench).extra_a = n % 2 === 0 ? 1.5 : 0;
        await bench.run(n % 3 === 0 ? 9 : 31);
      }
      expect(rail(bench).switchOn).toBe(true);
      rail(bench).extra_a = 1;
      bench.electronics.skews[0] = 1.3;
      expect(await untilOpen(bench, 2000)).toBeLessThanOrEqual(1100);
      bench.electronics.skews[0] = 1;
      rail(bench).extra_a = 0;
      await bench.run(400);
      await rearmed(bench, Fault.sensor_drift);
    },
  },
  {
    name: "waveforms of two trips are held: the latest and the one before, each with its voltage at the rate of the sweep",
    needs: ["protection", "waveform", "settings", "physics"],
    async run(bench) {
      const steady = [
        [1, 0.5, 3.2],
        [2, 1.5, 3.4],
      ] as const;
      const drawn_a: number[] = [];
      for (const [channel, steady_a, extra_a] of steady) {
        const load = bench.world.rails[channel - 1] as ReturnType<typeof rail>;
        load.extra_a = steady_a;
        await switchChannel(bench, channel, PowerAction.on);
        await bench.run(200);
        drawn_a.push(load.current_a);
        load.extra_a = extra_a;
        await bench.run(350);
        load.extra_a = 0;
        expect(await channelState(bench, channel)).toMatchObject({ fault: Fault.hard_over_current, switch_on: 0 });
        await bench.run(300);
      }
      let next_us = 0;
      for (const back of [0, 1]) {
        const head = await bench.request("waveform_get", { back });
        if (head.kind !== "answer") throw new Error("no answer");
        const { channel, rows, left, period_us, tick_us, voltages, sweep_us, sweep_tick_us } = head.body;
        expect({ channel, left, sweep_us }).toEqual({ channel: 2 - back, left: 0, sweep_us: 10_000 });
        if (back === 1) expect(next_us - tick_us).toBeGreaterThan(500_000);
        next_us = tick_us;
        expect(rows * period_us).toBeGreaterThanOrEqual(198_000);
        expect(voltages).toBeGreaterThanOrEqual(20);
        const answer = await bench.request("waveform_read", { first: 0, back, what: 1 });
        const codes = Buffer.from(answer.kind === "answer" ? answer.body.data : "", "latin1");
        expect(codes.length).toBe(2 * voltages);
        const volts = Array.from({ length: voltages }, (_, n) => codes.readUInt16LE(2 * n) * 0.00125);
        expect(volts[2]).toBeGreaterThan(4.8);
        expect(volts.at(-1)).toBeLessThan(2);
        let rest = "";
        while (rest.length < 2 * rows) {
          const part = await bench.request("waveform_read", { first: rest.length / 2, back, what: 0 });
          if (part.kind !== "answer" || part.body.data === "") throw new Error("rows are missing");
          rest += part.body.data;
        }
        const view = Buffer.from(rest, "latin1");
        const amps = Array.from({ length: rows }, (_, n) => (view.readInt16LE(2 * n) * 1.2) / 32_768 / 20 / 0.02);
        const mean_a = (from_ms: number, to_ms: number): number => {
          const part = amps.slice((from_ms * 1000) / period_us, (to_ms * 1000) / period_us);
          return part.reduce((sum, value) => sum + value, 0) / part.length;
        };
        // Each the current of its own channel, before its trip and behind it.
        expect(mean_a(10, 90)).toBeCloseTo(drawn_a[1 - back] as number, 1);
        expect(Math.max(...amps)).toBeGreaterThan(2.9);
        expect(Math.abs(mean_a(150, 195))).toBeLessThan(0.05);
        // Both begin within a sweep and the spare of the current's rows of one another.
        expect(Math.abs(sweep_tick_us - tick_us)).toBeLessThan(25_000);
      }
      expect(await bench.request("waveform_get", { back: 2 })).toMatchObject({ body: { channel: 0 } });
    },
  },
  {
    name: "off floating leaves the charge on the rail and is proved by switch and current; off discharged takes it",
    needs: ["power", "settings", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      const floating = await power(bench, PowerAction.off_floating);
      expect(floating).toMatchObject({ body: { outcome: Outcome.done, switch_on: 0 } });
      expect(floating.kind === "answer" && Math.abs(floating.body.current_ua)).toBeLessThan(5000);
      expect(rail(bench)).toMatchObject({ switchOn: false, discharge: false });
      expect(rail(bench).voltage_v).toBeGreaterThan(1);
      expect(await power(bench, PowerAction.off)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(rail(bench)).toMatchObject({ switchOn: false, discharge: true });
      expect(rail(bench).voltage_v).toBeLessThan(0.3);
    },
  },
];
