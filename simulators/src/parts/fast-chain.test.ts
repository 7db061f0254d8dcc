import { ampsPerCode, monitoringBoard } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createMonitoringElectronics } from "../boards/monitoring.ts";
import { createFastChain } from "./fast-chain.ts";

// INA240A1 (SBOS662C): 20 V/V. At a shunt of 20 mOhm that is 0.02 x 20 = 0.4 V for each ampere.
const VOLT_PER_AMPERE = 0.4;
const LOOKS = 4000;

function spread(look: () => number): { mean: number; deviation: number } {
  const seen = Array.from({ length: LOOKS }, look);
  const mean = seen.reduce((sum, value) => sum + value, 0) / LOOKS;
  const square = seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / LOOKS;
  return { mean, deviation: Math.sqrt(square) };
}

test("INA240: a specimen's gain and offset: 2.5 A x 1.002 + 0.2 mA = 2.5052 A, -1 A x 0.998 - 0.1 mA = -0.9981 A", () => {
  const chain = createFastChain(monitoringBoard, 1);
  chain.errors[0] = { gain: 0.002, offset_a: 0.0002, noise_a: 0 };
  chain.errors[7] = { gain: -0.002, offset_a: -0.0001, noise_a: 0 };
  expect(chain.amperes(0, 2.5, 1)).toBeCloseTo(2.5052, 12);
  expect(chain.amperes(7, -1, 1)).toBeCloseTo(-0.9981, 12);
  expect(chain.amperes(0, 0, 1)).toBeCloseTo(0.0002, 12);
});

test("INA240: noise of 0.25 mA at 1 kHz, twice that over four times the bandwidth, about the current and no other", () => {
  const chain = createFastChain(monitoringBoard, 1);
  chain.errors[3] = { gain: 0, offset_a: 0, noise_a: 0.00025 };
  for (const [noise, sigma] of [
    [1, 0.00025],
    [2, 0.0005],
  ] as const) {
    const { mean, deviation } = spread(() => chain.amperes(3, 1, noise));
    // Over 4,000 looks the deviation is known to 1.1 %, the mean to sigma / 63.
    expect(Math.abs(deviation / sigma - 1)).toBeLessThan(0.06);
    expect(Math.abs(mean - 1)).toBeLessThan(sigma / 12);
  }
});

test("INA240: gains of specimens fill 0.2 % to either side, offsets 0.2 mA, evenly", () => {
  const errors = Array.from({ length: 200 }, (_, seed) => createFastChain(monitoringBoard, seed).errors).flat();
  expect(errors).toHaveLength(1600);
  for (const [name, half] of [
    ["gain", 0.002],
    ["offset_a", 0.0002],
  ] as const) {
    const values = errors.map((error) => error[name]);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(half);
    expect([Math.min(...values) < -0.98 * half, Math.max(...values) > 0.98 * half]).toEqual([true, true]);
    // A rectangle's standard deviation is its half width over the root of three.
    const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    expect(Math.abs(Math.sqrt(square) / (half / Math.sqrt(3)) - 1)).toBeLessThan(0.06);
  }
});

test("inputs of the converter: 0.4 V an ampere of their own channel, down to currents that flow back, with the noise of 20 kHz", () => {
  const electronics = createMonitoringElectronics(5, []);
  const currents = [2, 0, -0.5, 0, 0, 0, 0, 2.95];
  for (const [n, current] of currents.entries()) {
    const rail = electronics.rails[n];
    if (rail !== undefined) rail.current_a = current;
  }
  const seen = Array.from({ length: LOOKS }, () => electronics.fastInputs_v());
  for (const [n, current] of currents.entries()) {
    let next = 0;
    const { mean, deviation } = spread(() => (seen[next++] as number[])[n] as number);
    const most = VOLT_PER_AMPERE * (0.002 * Math.abs(current) + 0.0002);
    // 0.25 mA x sqrt(20 kHz / 1 kHz) = 1.118 mA, at 0.4 V/A 0.447 mV; the mean is known to a sixtieth of that.
    expect(Math.abs(mean - current * VOLT_PER_AMPERE)).toBeLessThan(most + 0.00004);
    expect(Math.abs(deviation / 0.000447 - 1)).toBeLessThan(0.06);
  }
  // 1.2 V of 32,768 codes: 1.2 / 32768 / 0.4 = 91.55 uA a code, so 2.95 A are code 32,222 of 32,767.
  const channel = monitoringBoard.channels[7];
  if (channel === undefined) throw new Error("the board has eight channels");
  expect(ampsPerCode(monitoringBoard, channel)).toBeCloseTo(0.000091552734375, 15);
  expect(Math.round(2.95 / ampsPerCode(monitoringBoard, channel))).toBe(32_222);
});
