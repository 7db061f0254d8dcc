import { HD44780, LCD_BACKPACK } from "@mltb/hardware";
import { at, byte, join, slice } from "#platform";

/**
 * HD44780 character display in 4-bit mode behind a PCF8574 expander. Only characters that changed are written, one
 * run of a row per call of `step`, so that a page never flickers and one call never blocks the board for long. At
 * 100 kHz each byte on the bus takes 90 us, which outlasts the 37 us that a command needs.
 */
export interface Lcd {
  /** The page to show; rows are padded and cut to the width. */
  show(this: void, rows: string[]): void;
  backlight(this: void, on: boolean): void;
  /** Writes one changed run; false when there is nothing left to write. */
  step(this: void, now_ms: number): boolean;
  /** Whether the display acknowledges. */
  present(this: void): boolean;
  /** What the display shows as far as it was written. */
  rows(this: void): string[];
}

const E_BIT = 1 << LCD_BACKPACK.e;
const RS_BIT = 1 << LCD_BACKPACK.rs;
const LIGHT_BIT = 1 << LCD_BACKPACK.backlight;
const RETRY_MS = 1000;
/** The controller needs 40 ms after its supply is there. */
const POWER_UP_MS = HD44780.power_up_us / 1000 + 10;

export function createLcd(hal: Hal, bus: number, address: number, columns: number, height: number): Lcd {
  const wanted: string[] = [];
  const shown: string[] = [];
  const blank = spaces(columns);
  for (let i = 0; i < height; i += 1) {
    wanted.push(blank);
    shown.push(blank);
  }
  let light = LIGHT_BIT;
  let lightShown = -1;
  let ready = false;
  let retry_ms = POWER_UP_MS;
  /** Something may differ between what is wanted and what is shown. */
  let dirty = true;

  function nibble(high: number, rs: number): string {
    const port = (high & 240) | rs | light;
    return byte(port | E_BIT) + byte(port);
  }

  function both(value: number, rs: number): string {
    return nibble(value, rs) + nibble((value & 15) << 4, rs);
  }

  function send(bytes: string): boolean {
    return hal.i2c_xfer(bus, address, bytes, 0) !== undefined;
  }

  function command(value: number, wait_us: number): boolean {
    const ok = send(both(value, 0));
    hal.delay_us(wait_us);
    return ok;
  }

  /** Initialisation by instruction, figure 24 of the data sheet: three wake-up nibbles, then 4-bit mode. */
  function initialise(): boolean {
    const c = HD44780.commands;
    for (const wait of HD44780.init_wait_us) {
      if (!send(nibble(c.function_set | c.function_8bit, 0))) return false;
      hal.delay_us(wait);
    }
    if (!send(nibble(c.function_set, 0))) return false;
    hal.delay_us(HD44780.command_us);
    command(c.function_set | c.function_2line, HD44780.command_us);
    command(c.display, HD44780.command_us);
    command(c.clear, HD44780.clear_us);
    command(c.entry_mode | c.entry_increment, HD44780.command_us);
    for (let i = 0; i < height; i += 1) shown[i] = blank;
    return command(c.display | c.display_on, HD44780.command_us);
  }

  function writeRun(row: number): boolean {
    const want = wanted[row] as string;
    const have = shown[row] as string;
    let first = 0;
    while (at(want, first) === at(have, first)) first += 1;
    let last = columns - 1;
    while (at(want, last) === at(have, last)) last -= 1;
    const pieces: string[] = [both(HD44780.commands.set_ddram | ((HD44780.row_address[row] as number) + first), 0)];
    for (let i = first; i <= last; i += 1) pieces.push(both(at(want, i), RS_BIT));
    if (!send(join(pieces))) return false;
    shown[row] = want;
    return true;
  }

  return {
    show(this: void, rows: string[]): void {
      dirty = true;
      for (let i = 0; i < height; i += 1) {
        const text = rows[i];
        wanted[i] = slice((text === undefined ? "" : text) + blank, 0, columns);
      }
    },
    backlight(this: void, on: boolean): void {
      light = on ? LIGHT_BIT : 0;
    },
    step(this: void, now_ms: number): boolean {
      if (!ready) {
        if (now_ms < retry_ms) return false;
        retry_ms = now_ms + RETRY_MS;
        ready = initialise();
        lightShown = light;
        dirty = true;
        return ready;
      }
      if (!dirty && light === lightShown) return false;
      for (let row = 0; row < height; row += 1) {
        if (wanted[row] !== shown[row]) {
          if (!writeRun(row)) ready = false;
          return true;
        }
      }
      if (light !== lightShown) {
        lightShown = light;
        if (!send(byte(light))) ready = false;
      }
      dirty = false;
      return false;
    },
    present(this: void): boolean {
      return ready;
    },
    rows(this: void): string[] {
      return shown;
    },
  };
}

function spaces(count: number): string {
  let text = "";
  for (let i = 0; i < count; i += 1) text = `${text} `;
  return text;
}
