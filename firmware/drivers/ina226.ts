import { INA226 } from "@mltb/hardware";
import { at, byte, shr } from "#platform";

/** Registers of a sweep, in the order in which `sweepCodes` gives them. */
export const SWEEP_REGISTERS = byte(INA226.registers.shunt_voltage) + byte(INA226.registers.bus_voltage);

/** Writes the configuration for sweeps; false when the part does not acknowledge or is not an INA226. */
export function setUpIna226(hal: Hal, bus: number, address: number): boolean {
  const id = hal.i2c_xfer(bus, address, byte(INA226.registers.manufacturer_id), 2);
  if (id === undefined || at(id, 0) * 256 + at(id, 1) !== INA226.manufacturer_id) return false;
  const config = INA226.configuration_sweep;
  const bytes = byte(INA226.registers.configuration) + byte(shr(config, 8)) + byte(config & 255);
  return hal.i2c_xfer(bus, address, bytes, 0) !== undefined;
}

/** Shunt-voltage code (2.5 uV each, signed) and bus-voltage code (1.25 mV each) of every part, one after the other. */
export function sweepCodes(bytes: string, parts: number): number[] {
  return [...string.unpack(`>${string.rep("i2I2", parts)}`, bytes)] as number[];
}
