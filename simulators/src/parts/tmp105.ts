import { TMP105, TMP105_TIMING } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

export interface Tmp105 extends I2cPart {
  /** The supply was away and is there again: registers as after a reset, and the first conversion begins. */
  powerUp(now_us: number): void;
}

const REGISTERS = { low: 2, high: 3 };

/**
 * TMP105 at register level (SLLS648D): pointer byte, resolution of 9 to 12 bits (bits 5 and 6 of the configuration), two's
 * complement in the upper bits, conversion time, shutdown and one-shot, limit registers, 0 degrees until the first
 * conversion has ended. The alert output is not modelled: the board does not use it.
 */
export function createTmp105(temperature_mdeg: () => number): Tmp105 {
  let pointer = 0;
  let index = 0;
  let configuration: number = TMP105.configuration_reset;
  const limits = new Map<number, number>();
  let code = 0;
  /** Start of the conversion under way; undefined while the part is shut down. */
  let begun_us: number | undefined = 0;
  let word = 0;

  const resolution = (): number => (configuration >> 5) & 3;
  const conversion_us = (): number => TMP105_TIMING.conversion_us[resolution()] as number;

  function convert(): void {
    const [least, most] = TMP105_TIMING.range_sixteenths;
    const unused = 3 - resolution();
    const sixteenths = Math.max(least, Math.min(most, Math.floor((temperature_mdeg() * 16) / 1000)));
    code = ((sixteenths >> unused) << (unused + 4)) & 0xffff;
  }

  /** Ends the conversions whose time has come; the quantity is slow, so one stands for all of them. */
  function advance(now_us: number): void {
    if (begun_us === undefined || now_us - begun_us < conversion_us()) return;
    convert();
    begun_us = (configuration & TMP105_TIMING.shutdown) !== 0 ? undefined : now_us;
  }

  function configure(value: number, now_us: number): void {
    const oneShot = (value & TMP105_TIMING.one_shot) !== 0;
    // The one-shot bit reads as zero.
    const before = configuration;
    configuration = value & 0x7f;
    const shut = (configuration & TMP105_TIMING.shutdown) !== 0;
    if (shut && !oneShot) {
      // The conversion under way still ends (section "shutdown mode").
      if ((before & TMP105_TIMING.shutdown) !== 0) begun_us = undefined;
    } else if (before !== configuration || shut) begun_us = now_us;
  }

  const part: Tmp105 = {
    powerUp(now_us) {
      pointer = 0;
      configuration = TMP105.configuration_reset;
      limits.set(REGISTERS.low, TMP105_TIMING.low_reset);
      limits.set(REGISTERS.high, TMP105_TIMING.high_reset);
      code = 0;
      begun_us = now_us;
    },
    addressed(reading, now_us) {
      index = 0;
      if (!reading) return true;
      advance(now_us);
      if (pointer === TMP105.temperature) word = code;
      else if (pointer === TMP105.configuration) word = (configuration << 8) | configuration;
      else word = limits.get(pointer) ?? 0;
      return true;
    },
    writeByte(value, now_us) {
      if (index === 0) pointer = value & 3;
      else if (pointer === TMP105.configuration && index === 1) {
        advance(now_us);
        configure(value, now_us);
      } else if (limits.has(pointer) && index <= 2) {
        const before = limits.get(pointer) as number;
        limits.set(pointer, index === 1 ? (value << 8) | (before & 0xf0) : (before & 0xff00) | (value & 0xf0));
      }
      index += 1;
      return true;
    },
    readByte() {
      const byte = index === 0 ? word >> 8 : index === 1 ? word & 255 : 0xff;
      index += 1;
      return byte;
    },
  };
  part.powerUp(0);
  return part;
}
