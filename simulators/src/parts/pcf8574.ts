import { LCD_BACKPACK, PCF8574 } from "@mltb/hardware";
import type { Hd44780 } from "./hd44780.ts";
import type { I2cPart } from "./i2c.ts";

export interface Pcf8574 extends I2cPart {
  port: number;
}

/** An expander with the display behind it, on one supply. */
export interface LcdBackpack extends Pcf8574 {
  backlight(): boolean;
  /** The supply comes: both lose what was written. */
  powerUp(now_us: number): void;
}

/**
 * PCF8574: each written byte appears at the port at its acknowledgement; a read gives the pins. A bit that was written high is
 * held up by 100 uA alone, so whatever drives its pin low wins (NXP PCF8574 rev. 5, 7.1).
 * @param driven levels that others drive at the pins; all high where nothing does
 */
function createPcf8574(onPort: (port: number, now_us: number) => void, driven: () => number = () => 0xff): Pcf8574 {
  const part: Pcf8574 = {
    port: PCF8574.reset,
    addressed: () => true,
    writeByte(value, now_us) {
      part.port = value;
      onPort(value, now_us);
      return true;
    },
    readByte: () => part.port & driven(),
  };
  return part;
}

/** An expander whose pins are all inputs: nothing is ever written to it. */
export function createInputs(driven: () => number): I2cPart {
  return createPcf8574(() => undefined, driven);
}

/** The common backpack: the expander drives RS, RW, E, the backlight and D4..D7 of the display. */
export function createLcdBackpack(lcd: Hd44780): LcdBackpack {
  const address = (1 << LCD_BACKPACK.rs) | (1 << LCD_BACKPACK.rw);
  let last: number = PCF8574.reset;
  const bit = (port: number, number: number): number => (port >> number) & 1;
  const part = createPcf8574((port, now_us) => {
    const falls = bit(last, LCD_BACKPACK.e) === 1 && bit(port, LCD_BACKPACK.e) === 0;
    if (falls && bit(last, LCD_BACKPACK.rw) === 0) {
      lcd.strobe(bit(last, LCD_BACKPACK.rs), (last >> LCD_BACKPACK.data) & 15, now_us);
    }
    // One write changes all outputs at once, so that RS and RW have no time to stand before E rises.
    if (bit(port, LCD_BACKPACK.e) === 1 && ((port ^ last) & address) !== 0) lcd.setupViolations += 1;
    last = port;
  });
  return Object.assign(part, {
    backlight: () => bit(part.port, LCD_BACKPACK.backlight) === 1,
    powerUp(now_us: number) {
      part.port = PCF8574.reset;
      last = PCF8574.reset;
      lcd.powerUp(now_us);
    },
  });
}
