import { INA226 } from "@mltb/hardware";
import { at, byte, shr } from "#platform";

/** Writes the configuration for sweeps; false when the part does not acknowledge or is not an INA226. */
export function setUpIna226(hal: Hal, bus: number, address: number): boolean {
  const id = readRegister(hal, bus, address, INA226.registers.manufacturer_id);
  if (id !== INA226.manufacturer_id) return false;
  const config = INA226.configuration_sweep;
  const bytes = byte(INA226.registers.configuration) + byte(shr(config, 8)) + byte(config & 255);
  return hal.i2c_xfer(bus, address, bytes, 0) !== undefined;
}

/** Bus-voltage code (1.25 mV each), or -1 when the part does not acknowledge. */
export function readBusCode(hal: Hal, bus: number, address: number): number {
  return readRegister(hal, bus, address, INA226.registers.bus_voltage);
}

/** Shunt-voltage code (2.5 uV each, signed), or -32769 when the part does not acknowledge. */
export function readShuntCode(hal: Hal, bus: number, address: number): number {
  const code = readRegister(hal, bus, address, INA226.registers.shunt_voltage);
  if (code < 0) return -32769;
  return code >= 32768 ? code - 65536 : code;
}

/** A 16-bit register, most significant byte first; -1 when the part does not acknowledge. */
function readRegister(hal: Hal, bus: number, address: number, register: number): number {
  const bytes = hal.i2c_xfer(bus, address, byte(register), 2);
  return bytes === undefined ? -1 : at(bytes, 0) * 256 + at(bytes, 1);
}
