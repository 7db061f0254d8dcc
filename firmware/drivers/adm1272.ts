import { ADM1272 } from "@mltb/hardware";
import { idiv } from "#platform";

/** Configures the monitor for continuous conversions; false when the part does not acknowledge or is another. */
export function setUpAdm1272(hal: Hal, bus: number, address: number): boolean {
  const { mfr_id, pmon_config } = ADM1272.commands;
  const id = hal.i2c_xfer(bus, address, string.char(mfr_id), 4);
  return (
    id === string.pack("s1", ADM1272.mfr_id) &&
    hal.i2c_xfer(bus, address, string.pack("<BI2", pmon_config, ADM1272.pmon_config), 0) !== undefined
  );
}

/** A reading's code, least significant byte first; -1 when the part does not acknowledge. */
export function readCode(hal: Hal, bus: number, address: number, command: number): number {
  const bytes = hal.i2c_xfer(bus, address, string.char(command), 2);
  if (bytes === undefined) return -1;
  const [code] = string.unpack("<I2", bytes);
  return code as number;
}

export function millivolts(code: number): number {
  return idiv(code * 100000, ADM1272.volt_m);
}

/** Microamperes of a code in steps of `step_ua`, which is `currentStep_ua` of the shunt. */
export function microamperes(code: number, step_ua: number): number {
  return (code - idiv(ADM1272.ampere_b, 10)) * step_ua;
}

export function currentStep_ua(shunt_ohm: number): number {
  return idiv(10000 / (ADM1272.ampere_m * shunt_ohm) + 0.5, 1);
}
