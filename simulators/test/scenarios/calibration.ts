import { bodyCheck, Fault, PowerAction } from "@mltb/protocol";
import { expect } from "vitest";
import type { I2cBus, I2cPart } from "../../src/parts/i2c.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { channelState, configure, outage, rearmed, switchChannel, untilOpen } from "./settings.ts";

/** The thermometer is read twice a second. */
const TEMPERATURE_MS = 1100;
/** A record that corrects nothing. */
const UNCALIBRATED = {
  voltage_ppm: 0,
  voltage_100uv: 0,
  current_ppm: 0,
  current_10ua: 0,
  fast_ppm: 0,
  fast_10ua: 0,
  drift_ppm_k: 0,
  at_10mc: 0,
};

export const calibrationScenarios: Scenario[] = [
  {
    name: "calibration corrects what the monitors read; a record that fails its checksum is not used, and says so",
    needs: ["settings", "store", "restarts", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      // Between whole volts, where a gain that counted those alone would be far off.
      rail(bench).extra_a = 2;
      // On is proved inside the band; the rail still rises to its end.
      await bench.run(50);
      const before = await channelState(bench);
      const body = {
        channel: 1,
        ...UNCALIBRATED,
        voltage_ppm: 20_000,
        voltage_100uv: 500,
        current_ppm: 20_000,
        current_10ua: 1000,
        check: bodyCheck(1, 0, 20_000),
      };
      expect(await bench.request("calibration_set", body)).toMatchObject({ body: { valid: 1 } });
      await bench.run(50);
      const after = await channelState(bench);
      expect(before.voltage_mv).toBeLessThan(4990);
      expect(Math.abs(after.voltage_mv - (before.voltage_mv * 1.02 + 50))).toBeLessThan(4);
      // A ripple of 1 per cent of the 0.24 A that the target draws.
      expect(Math.abs(after.current_ua - (before.current_ua * 1.02 + 10_000))).toBeLessThan(6000);
      expect(await bench.request("store_set", { key: "calibration0", value: "eighteen bytes are" })).toMatchObject({
        kind: "answer",
      });
      await outage(bench);
      expect(await bench.request("calibration_get", { channel: 1 })).toMatchObject({
        body: { valid: 2, voltage_ppm: 0 },
      });
    },
  },
  {
    name: "calibration: a current of the fast chain has its gain and offset corrected: far off it ends as sensor drift, as far off as the monitor's it does not",
    needs: ["power", "protection", "settings", "physics"],
    async run(bench) {
      const calibrate = async (change: Partial<typeof UNCALIBRATED>): Promise<void> => {
        const body = { channel: 1, ...UNCALIBRATED, ...change };
        expect(await bench.request("calibration_set", { ...body, check: bodyCheck(1, 0, 0) })).toMatchObject({
          body: { ...body, valid: 1 },
        });
      };
      /** More than the time of two comparisons. */
      const stays = async (): Promise<void> => expect(await untilOpen(bench, 1100)).toBe(1100);
      const drifts = async (change: Partial<typeof UNCALIBRATED>): Promise<void> => {
        await stays();
        await calibrate(change);
        expect(await untilOpen(bench, 2000)).toBeLessThanOrEqual(1100);
        await calibrate({});
        const load_a = rail(bench).extra_a;
        rail(bench).extra_a = 0;
        await bench.run(400);
        await rearmed(bench, Fault.sensor_drift);
        rail(bench).extra_a = load_a;
      };
      await power(bench, PowerAction.on);
      rail(bench).extra_a = 2;
      await calibrate({ current_ppm: 30_000, current_10ua: 15_000, fast_ppm: 30_000, fast_10ua: 15_000 });
      await stays();
      await calibrate({});
      // 150 mA, of which 100 mA are let pass.
      await drifts({ fast_10ua: 15_000 });
      // 67 mA of the 2.24 A.
      await configure(bench, 1, { drift_ma: 50 });
      await drifts({ fast_ppm: 30_000 });
    },
  },
  {
    name: "calibration: a current is corrected by the record's temperature coefficient as the board's thermometer moves, and not without one",
    needs: ["settings", "panel", "restarts", "physics"],
    async run(bench) {
      const rail2 = bench.world.rails[1];
      if (rail2 !== undefined) rail2.extra_a = 1;
      await switchChannel(bench, 2, PowerAction.on);
      const record = { channel: 2, ...UNCALIBRATED, drift_ppm_k: -1000, at_10mc: 2500 };
      const { electronics } = bench;
      /** The current after the next reading of the temperature, and that temperature in hundredths of a degree. */
      const at = async (mdeg: number, within_ms = TEMPERATURE_MS) => {
        electronics.temperature_mdeg = mdeg;
        await bench.run(within_ms);
        const answer = await bench.request("calibration_get", { channel: 2 });
        return [
          (await channelState(bench, 2)).current_ua,
          answer.kind === "answer" ? answer.body.temperature_10mc : Number.NaN,
        ] as const;
      };
      const [plain_ua] = await at(45_000);
      await bench.request("calibration_set", { ...record, check: bodyCheck(2, 0, 0) });
      const [calibrated_ua, calibrated_10mc] = await at(25_000);
      expect(calibrated_10mc).toBe(2500);
      expect(Math.abs(calibrated_ua - plain_ua)).toBeLessThan(1000);
      const [warm_ua, warm_10mc] = await at(45_000);
      expect(warm_10mc).toBe(4500);
      // 20 K x -1000 ppm/K of 1 A.
      expect(Math.abs(warm_ua - plain_ua * 0.98)).toBeLessThan(1000);
      const [cold_ua] = await at(-5000);
      expect(Math.abs(cold_ua - plain_ua * 1.03)).toBeLessThan(1000);
      const { board, buses } = electronics;
      const { parts } = buses[board.panel_bus] as I2cBus;
      const thermometer = parts.get(board.thermometer_address) as I2cPart;
      parts.delete(board.thermometer_address);
      const [blind_ua, blind_10mc] = await at(45_000);
      expect(blind_10mc).toBe(-32_768);
      expect(Math.abs(blind_ua - plain_ua)).toBeLessThan(1000);
      // What it says first when it is there again, before a conversion has ended, is 0 degrees, and corrects nothing.
      let readings = 0;
      parts.set(board.thermometer_address, {
        ...thermometer,
        addressed(reading, now_us) {
          if (reading) readings += 1;
          return thermometer.addressed(reading, now_us);
        },
        readByte: (now_us) => (readings > 1 ? 1 : 0) * thermometer.readByte(now_us),
      });
      for (let ms = 0; ms < TEMPERATURE_MS; ms += 50) {
        expect([-32_768, 2500]).toContain((await at(25_000, 50))[1]);
      }
      expect(readings).toBeGreaterThan(1);
      // Nor does a board that has just begun take 0 degrees for its temperature.
      await outage(bench);
      await switchChannel(bench, 2, PowerAction.on);
      const [begun_ua, begun_10mc] = await at(25_000, 50);
      expect(begun_10mc).toBe(2500);
      expect(Math.abs(begun_ua - plain_ua)).toBeLessThan(1000);
    },
  },
];
