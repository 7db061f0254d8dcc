import { INA226 } from "@mltb/hardware";
import { bodyCheck, ChannelState, Fault, Outcome, PowerAction, Refusal, TripSource } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { power, rail, type Scenario, send } from "./scenario.ts";
import { channelState, configure, configureRack, switchChannel } from "./settings.ts";

/** DESIGN section 4: a sensor that says nothing any more. */
const STALE_MS = 100;
/** Every fourth sweep, after the rail has charged. */
const LIVE_MS = 130;
/** Off is proved within 500 ms, or reported: a deadline is looked at every 20 ms, and the answer takes its time. */
const OFF_PROVED_MS = 600;
const OFF_REPORTED_MS = 545;
/** From a command to its switch, over a link that carries nothing else. */
const COMMAND_MS = 20;

async function channel(bench: Bench) {
  const answer = await bench.request("channel_get", { channel: 1 });
  if (answer.kind !== "answer") throw new Error(`channel_get: ${answer.kind}`);
  return answer.body;
}

/** Clears the fault and waits until the channel is off again, as after a repair. */
async function repaired(bench: Bench, fault: number): Promise<void> {
  bench.world.breakChannel?.(0, "none");
  // A monitor that came back is found within a second.
  await bench.run(1200);
  expect((await bench.request("rearm", { channel: 1, fault, check: bodyCheck(1, fault, 0) })).kind).toBe("answer");
  await bench.run(700);
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
}

export const faultScenarios: Scenario[] = [
  {
    name: "switch-stuck-on: off is not believed, the answer and the state say off-unproved until it is repaired and re-armed",
    needs: ["power", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      bench.world.breakChannel?.(0, "stuck-on");
      const from_us = bench.clock_us();
      expect(await power(bench, PowerAction.off)).toMatchObject({
        kind: "answer",
        body: { outcome: Outcome.fault, fault: Fault.off_unproved, switch_on: 0 },
      });
      expect((bench.clock_us() - from_us) / 1000).toBeLessThanOrEqual(OFF_REPORTED_MS);
      expect(rail(bench).voltage_v).toBeGreaterThan(4.5);
      expect(await channel(bench)).toMatchObject({ fault: Fault.off_unproved });
      await repaired(bench, Fault.off_unproved);
    },
  },
  {
    name: "switch-fails-closed: a channel that was proved off and is live again says off-unproved without being asked",
    needs: ["power", "protection", "waveform", "breakable"],
    async run(bench) {
      for (const action of [PowerAction.off, PowerAction.off_floating]) {
        await power(bench, PowerAction.on);
        expect(await power(bench, action)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
        await bench.run(300);
        expect(await channel(bench)).toMatchObject({ state: ChannelState.off, fault: Fault.none });
        bench.messages.length = 0;
        bench.world.breakChannel?.(0, "stuck-on");
        await bench.run(LIVE_MS);
        expect(await channel(bench)).toMatchObject({ state: ChannelState.fault, fault: Fault.off_unproved });
        const trips = bench.messages.filter(({ name }) => name === "trip");
        expect(trips).toMatchObject([{ body: { channel: 1, fault: Fault.off_unproved, source: TripSource.firmware } }]);
        // No switch was closed, so that nothing was converted of which a waveform could be made.
        expect(await bench.request("waveform_get", { back: 0 })).toMatchObject({ body: { channel: 0, rows: 0 } });
        await repaired(bench, Fault.off_unproved);
      }
    },
  },
  {
    name: "switch-welds-shut: an over-current trips, the rail stays live: off-unproved within 700 ms, interlock and budget count the channel until then and afterwards",
    needs: ["power", "protection", "settings", "breakable"],
    async run(bench) {
      for (const number of [1, 2]) await configure(bench, number, { interlock: 1 });
      await configureRack(bench, 3000, 0);
      await power(bench, PowerAction.on);
      bench.world.breakChannel?.(0, "stuck-on");
      rail(bench).extra_a = 3.3;
      await bench.run(30);
      rail(bench).extra_a = 1;
      expect(await channel(bench)).toMatchObject({ fault: Fault.hard_over_current, switch_on: 0 });
      expect(rail(bench).voltage_v).toBeGreaterThan(4.5);
      const second = async () => {
        expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ code: Refusal.interlocked });
        expect(await switchChannel(bench, 3, PowerAction.on)).toMatchObject({ code: Refusal.over_budget });
        expect(await bench.request("rack_get", {})).toMatchObject({ body: { used_ma: 2800 } });
      };
      await second();
      await bench.run(OFF_PROVED_MS);
      expect(await channel(bench)).toMatchObject({ state: ChannelState.fault, fault: Fault.off_unproved });
      await second();
      rail(bench).extra_a = 0;
      await repaired(bench, Fault.off_unproved);
    },
  },
  {
    name: "a channel that has tripped and is proved off makes room for others; one whose switch fails afterwards takes it again",
    needs: ["power", "protection", "settings", "breakable"],
    async run(bench) {
      for (const number of [1, 2]) await configure(bench, number, { interlock: 1 });
      await power(bench, PowerAction.on);
      rail(bench).extra_a = 3.3;
      await bench.run(OFF_PROVED_MS);
      rail(bench).extra_a = 0;
      expect(await channel(bench)).toMatchObject({ fault: Fault.hard_over_current });
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(await switchChannel(bench, 2, PowerAction.off)).toMatchObject({ body: { outcome: Outcome.done } });
      bench.world.breakChannel?.(0, "stuck-on");
      await bench.run(LIVE_MS);
      expect(await channel(bench)).toMatchObject({ state: ChannelState.fault, fault: Fault.off_unproved });
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ code: Refusal.interlocked });
    },
  },
  {
    name: "switch-stuck-off: on is not believed, the answer says on-unproved and the switch is opened",
    needs: ["power", "breakable"],
    async run(bench) {
      bench.world.breakChannel?.(0, "stuck-off");
      expect(await power(bench, PowerAction.on)).toMatchObject({
        kind: "answer",
        body: { outcome: Outcome.fault, fault: Fault.on_unproved, switch_on: 0 },
      });
      await repaired(bench, Fault.on_unproved);
    },
  },
  {
    name: "switch-fails-open: a channel that is on and loses its rail has an under-voltage, without a limit for it",
    needs: ["power", "protection", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      // Without a load the rail would hold its charge for seconds.
      rail(bench).extra_a = 0.2;
      bench.world.breakChannel?.(0, "stuck-off");
      await bench.run(200);
      expect(await channel(bench)).toMatchObject({
        state: ChannelState.fault,
        fault: Fault.under_voltage,
        switch_on: 0,
      });
      rail(bench).extra_a = 0;
      await repaired(bench, Fault.under_voltage);
    },
  },
  {
    name: "monitor-reset: a monitor whose supply failed between two sweeps has its alert limit again within 1.3 s",
    needs: ["power", "protection", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      // Behind the inrush profile, whose limit is another.
      await bench.run(100);
      const { board, buses, monitors, now_us } = bench.electronics;
      const read = (register: number): number => {
        const bytes = buses[board.monitor_bus]?.transfer(
          board.channels[0]?.monitor_address ?? 0,
          Uint8Array.of(register),
          2,
          now_us(),
        );
        return bytes === undefined ? -1 : (bytes[0] as number) * 256 + (bytes[1] as number);
      };
      const { alert_limit, configuration } = INA226.registers;
      const before = [read(configuration), read(alert_limit)];
      expect(before[1]).toBeGreaterThan(0);
      monitors[0]?.powerUp();
      expect([read(configuration), read(alert_limit)]).not.toEqual(before);
      await bench.run(1300);
      expect([read(configuration), read(alert_limit)]).toEqual(before);
      expect(rail(bench).switchOn).toBe(true);
    },
  },
  {
    name: "rail-short: hardware opens the switch of a running target; switching on into the short does too",
    needs: ["power", "protection", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      bench.world.breakChannel?.(0, "short");
      await bench.run(3);
      expect(rail(bench).switchOn).toBe(false);
      await bench.run(50);
      expect(await channel(bench)).toMatchObject({ fault: Fault.hard_over_current, switch_on: 0 });
      const rearm = { channel: 1, fault: Fault.hard_over_current, check: bodyCheck(1, Fault.hard_over_current, 0) };
      await bench.request("rearm", rearm);
      await bench.run(700);
      const into = await power(bench, PowerAction.on);
      expect(into).toMatchObject({ kind: "answer", body: { outcome: Outcome.fault, switch_on: 0 } });
      expect(rail(bench).switchOn).toBe(false);
      await repaired(bench, into.kind === "answer" ? into.body.fault : 0);
    },
  },
  {
    name: "sensor-dead: a running channel whose monitor goes silent is switched off within 100 ms; off still works, on is refused a proof",
    needs: ["power", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      expect(await switchChannel(bench, 2, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      const second = bench.world.rails[1] as ReturnType<typeof rail>;
      second.extra_a = 0.5;
      await bench.run(50);
      bench.world.breakChannel?.(0, "sensor-dead");
      let ms = 0;
      for (; rail(bench).switchOn && ms < 500; ms += 1) await bench.run(1);
      expect(ms).toBeLessThanOrEqual(STALE_MS);
      await bench.run(50);
      expect(await channel(bench)).toMatchObject({ fault: Fault.sensor_dead, switch_on: 0 });
      // Nothing measures: off is done and not believed, on is refused.
      const unproved = {
        kind: "answer",
        body: { outcome: Outcome.fault, fault: Fault.sensor_dead, switch_on: 0, state: ChannelState.fault },
      };
      expect(await power(bench, PowerAction.off)).toMatchObject(unproved);
      expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "refused", code: Refusal.fault_latched });
      expect(rail(bench)).toMatchObject({ switchOn: false, discharge: true });
      // The others are measured as ever meanwhile.
      for (const load_a of [1, 0.2]) {
        second.extra_a = load_a;
        await bench.run(50);
        const { current_ua, ...other } = await channelState(bench, 2);
        expect(other).toMatchObject({ state: ChannelState.on, fault: Fault.none, switch_on: 1 });
        expect(Math.abs(current_ua - load_a * 1e6)).toBeLessThan(20_000);
      }
      await repaired(bench, Fault.sensor_dead);
      // Silent for less time than it takes to count as dead, it does not hold a command up.
      bench.world.breakChannel?.(0, "sensor-dead");
      const off = send(bench, PowerAction.off);
      for (ms = 0; rail(bench).switchOn && ms < 500; ms += 1) await bench.run(1);
      expect(ms).toBeLessThanOrEqual(COMMAND_MS);
      await bench.run(OFF_PROVED_MS);
      expect(await off).toMatchObject(unproved);
      await repaired(bench, Fault.sensor_dead);
    },
  },
  {
    name: "a monitor that was without power for a moment is set up again, its alert limit included; the channel stays on",
    needs: ["power", "protection", "settings", "breakable"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.run(100);
      const { board, buses } = bench.electronics;
      const address = board.channels[0]?.monitor_address ?? 0;
      const register = (number: number) => [
        ...(buses[board.monitor_bus]?.transfer(address, Uint8Array.of(number), 2, bench.clock_us()) ?? []),
      ];
      const { configuration, alert_limit } = INA226.registers;
      const before = [register(configuration), register(alert_limit)];
      bench.world.breakChannel?.(0, "sensor-dead");
      await bench.run(25);
      bench.world.breakChannel?.(0, "none");
      expect([register(configuration), register(alert_limit)]).not.toEqual(before);
      await bench.run(50);
      expect([register(configuration), register(alert_limit)]).toEqual(before);
      expect(await channel(bench)).toMatchObject({ fault: Fault.none, switch_on: 1 });
    },
  },
];
