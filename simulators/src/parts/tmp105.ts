import { TMP105 } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

/**
 * TMP105 at register level: pointer byte, temperature with the resolution that the configuration asks for (9 to 12 bits,
 * bits 5 and 6), reset values. Alert, shut-down and conversion time are not modelled.
 */
export function createTmp105(temperature_mdeg: () => number): I2cPart {
  let pointer = 0;
  let index = 0;
  let configuration: number = TMP105.configuration_reset;
  return {
    addressed() {
      index = 0;
      return true;
    },
    writeByte(value) {
      if (index === 0) pointer = value & 3;
      else if (pointer === TMP105.configuration && index === 1) configuration = value;
      index += 1;
      return true;
    },
    readByte() {
      const at = index;
      index += 1;
      if (pointer === TMP105.configuration) return configuration;
      if (pointer !== TMP105.temperature) return 0;
      const unused = 3 - ((configuration >> 5) & 3);
      const sixteenths = Math.floor((temperature_mdeg() * 16) / 1000);
      const word = ((sixteenths >> unused) << (unused + 4)) & 0xffff;
      return at === 0 ? word >> 8 : word & 255;
    },
  };
}
