import { INA226 } from "@mltb/hardware";
import { at, byte, idiv, shr } from "#platform";

/** Registers of a sweep, in the order in which `sweepCodes` gives them. */
export const SWEEP_REGISTERS = byte(INA226.registers.shunt_voltage) + byte(INA226.registers.bus_voltage);

/** Writes the configuration for sweeps; false when the part does not acknowledge or is not an INA226. */
export function setUpIna226(hal: Hal, bus: number, address: number): boolean {
  if (readRegister(hal, bus, address, INA226.registers.manufacturer_id) !== INA226.manufacturer_id) return false;
  const { configuration, mask_enable } = INA226.registers;
  return (
    writeRegister(hal, bus, address, configuration, INA226.configuration_sweep) &&
    writeRegister(hal, bus, address, mask_enable, INA226.alert_shunt_over | INA226.alert_latch)
  );
}

/** Whether the part has the configuration for sweeps: one whose supply failed, however shortly, has lost it with its alert. */
export function isSetUp(hal: Hal, bus: number, address: number): boolean {
  return readRegister(hal, bus, address, INA226.registers.configuration) === INA226.configuration_sweep;
}

/** Sets the shunt voltage above which the alert output asserts, and holds until it is read. */
export function setAlertLimit(hal: Hal, bus: number, address: number, volts: number): boolean {
  return writeRegister(hal, bus, address, INA226.registers.alert_limit, idiv(volts / INA226.shunt_lsb_v, 1));
}

/** Whether the part has asserted its alert since it was asked last; asking ends it. */
export function alertFlag(hal: Hal, bus: number, address: number): boolean {
  const flags = readRegister(hal, bus, address, INA226.registers.mask_enable);
  return flags >= 0 && (flags & INA226.alert_flag) !== 0;
}

function writeRegister(hal: Hal, bus: number, address: number, register: number, value: number): boolean {
  return hal.i2c_xfer(bus, address, byte(register) + byte(shr(value, 8)) + byte(value & 255), 0) !== undefined;
}

/** A 16-bit register, most significant byte first; -1 when the part does not acknowledge. */
export function readRegister(hal: Hal, bus: number, address: number, register: number): number {
  const bytes = hal.i2c_xfer(bus, address, byte(register), 2);
  return bytes === undefined ? -1 : at(bytes, 0) * 256 + at(bytes, 1);
}

/** Shunt-voltage code (2.5 uV each, signed) and bus-voltage code (1.25 mV each) of every part, one after the other. */
export function sweepCodes(bytes: string, parts: number): number[] {
  return [...string.unpack(`>${string.rep("i2I2", parts)}`, bytes)] as number[];
}
