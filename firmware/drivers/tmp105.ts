import { TMP105 } from "@mltb/hardware";
import { idiv } from "#platform";

/** Temperature in millidegrees Celsius, in steps of 62.5; undefined when the part does not acknowledge. */
export function readTmp105(hal: Hal, bus: number, address: number): number | undefined {
  hal.i2c_xfer(bus, address, string.char(TMP105.configuration, TMP105.configuration_12_bits), 0);
  const bytes = hal.i2c_xfer(bus, address, string.char(TMP105.temperature), 2);
  if (bytes === undefined) return undefined;
  const [code] = string.unpack(">i2", bytes);
  // Sixteenths of a degree stand in the upper twelve bits.
  return idiv((code as number) * 125, 32);
}
