import { HD44780 } from "@mltb/hardware";

export interface Hd44780 {
  /** A falling edge of E with RS and the four data lines D7..D4 (as bits 3..0). */
  strobe(rs: number, nibble: number, now_us: number): void;
  /** What a person sees: four rows of twenty characters, blank while the display is off. */
  rows(): string[];
  /** Strobes that came while the controller was busy; real hardware loses them. */
  busyViolations: number;
}

/**
 * HD44780U with a 20 x 4 glass: power-up in 8-bit mode, the initialisation by instruction, 4-bit transfers, DDRAM with
 * its two lines of 40, busy times. The character ROM is that of code A00, whose 0x20-0x7d equal ASCII except 0x5c.
 */
export function createHd44780(columns: number): Hd44780 {
  const ddram = new Uint8Array(0x80).fill(0x20);
  let address = 0;
  let increment = 1;
  let fourBit = false;
  let high: number | undefined;
  let displayOn = false;
  let busyUntil_us = HD44780.power_up_us;

  function command(value: number): number {
    const c = HD44780.commands;
    if ((value & c.set_ddram) !== 0) address = value & 0x7f;
    else if ((value & 0x40) !== 0) return HD44780.command_us;
    else if ((value & c.function_set) !== 0) {
      fourBit = (value & c.function_8bit) === 0;
      high = undefined;
    } else if ((value & 0x10) !== 0) return HD44780.command_us;
    else if ((value & c.display) !== 0) displayOn = (value & c.display_on) !== 0;
    else if ((value & c.entry_mode) !== 0) increment = (value & c.entry_increment) !== 0 ? 1 : -1;
    else if ((value & c.home) !== 0) {
      address = 0;
      return HD44780.clear_us;
    } else if (value === c.clear) {
      ddram.fill(0x20);
      address = 0;
      increment = 1;
      return HD44780.clear_us;
    }
    return HD44780.command_us;
  }

  function store(value: number): number {
    ddram[address] = value;
    address += increment;
    // Two-line mode: 0x00-0x27 and 0x40-0x67, each end runs into the other line.
    if (address === 0x28) address = 0x40;
    else if (address === 0x68) address = 0;
    else if (address < 0) address = 0x67;
    else if (address === 0x3f) address = 0x27;
    return HD44780.command_us;
  }

  const lcd: Hd44780 = {
    busyViolations: 0,
    strobe(rs, nibble, now_us) {
      if (now_us < busyUntil_us) {
        lcd.busyViolations += 1;
        return;
      }
      let value: number;
      if (!fourBit) value = nibble << 4;
      else if (high === undefined) {
        high = nibble;
        return;
      } else {
        value = (high << 4) | nibble;
        high = undefined;
      }
      busyUntil_us = now_us + (rs === 1 ? store(value) : command(value));
    },
    rows() {
      return HD44780.row_address.map((start) =>
        displayOn ? String.fromCharCode(...ddram.slice(start, start + columns)) : " ".repeat(columns),
      );
    },
  };
  return lcd;
}
