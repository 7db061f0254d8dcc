import { monitoringBoard } from "@mltb/hardware";
import { expect, it } from "vitest";
import { createRail, defaultRail } from "./rail.ts";

/** Milliseconds from opening the switch until the rail is below the voltage that proves it off. */
function dischargeTime_ms(capacitance_uf: number, discharge_ohm: number): number {
  const rail = createRail({ ...defaultRail, capacitance_uf, discharge_ohm }, 1);
  rail.switchOn = true;
  for (let ms = 0; ms < 100; ms += 1) rail.step(0.001, 0);
  expect(rail.voltage_v).toBeGreaterThan(5);
  rail.switchOn = false;
  rail.discharge = true;
  let ms = 0;
  for (; rail.voltage_v > monitoringBoard.limits.off_below_v && ms < 5000; ms += 1) rail.step(0.001, 0);
  return ms;
}

it("the largest target without a load of its own is discharged in time for the proof of off", () => {
  const within_ms = monitoringBoard.limits.off_within_ms;
  // 2200 uF x 50 Ohm x ln(5.08 V / 0.25 V) = 331 ms; leakage helps a little.
  expect(dischargeTime_ms(2200, defaultRail.discharge_ohm)).toBeGreaterThan(300);
  expect(dischargeTime_ms(2200, defaultRail.discharge_ohm)).toBeLessThan(within_ms - 100);
  // With the 100 Ohm of an earlier revision off would have been reported as unproved.
  expect(dischargeTime_ms(2200, 100)).toBeGreaterThan(within_ms);
});
