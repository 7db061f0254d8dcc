import { HD44780, LCD_BACKPACK } from "@mltb/hardware";
import { at, byte, bytes4, idiv, join, slice } from "#platform";

/**
 * HD44780 character display in 4-bit mode behind a PCF8574 expander. Only characters that changed are written, one
 * run of a row per call of `step`, so that a page never flickers and one call never blocks the board for long. At
 * 100 kHz each byte on the bus takes 90 us: the two of a nibble outlast the 37 us that a command needs, and the 100 us after
 * the second wake-up.
 *
 * Displays are unplugged, and their supply dips. The expander's port is read before each run and once a second: E is high
 * after power-up and low after all that is written here. The other bits say less: a read gives the voltage at the pin, a
 * high one has a pull-up of 100 uA (PCF8574, 8.1), and what switches a backlight may hold it low.
 */
export interface Lcd {
  /** The page to show; rows are padded and cut to the width. */
  show(this: void, rows: string[]): void;
  backlight(this: void, on: boolean): void;
  /** Writes one changed run, or sets up a display that has come; true where `spare` has put that off to the next turn. */
  step(this: void, now_ms: number, spare: boolean): boolean;
}

const E_BIT = 1 << LCD_BACKPACK.e;
const RS_BIT = 1 << LCD_BACKPACK.rs;
const LIGHT_BIT = 1 << LCD_BACKPACK.backlight;
const PROBE_MS = 1000;
/** The controller needs 40 ms after its supply is there. */
const POWER_UP_MS = HD44780.power_up_us / 1000 + 10;

/** What is known of the display. One whose supply has come is set up at the probe after that, when its contacts rest. */
const ABSENT = 0;
const POWERED = 1;
const READY = 2;

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
  let state = POWERED;
  let probe_ms = POWER_UP_MS;
  /** Something may differ between what is wanted and what is shown. */
  let dirty = true;

  /** Both nibbles of a byte, each with E and then without it. */
  function both(value: number, rs: number): string {
    const high = (value & 240) | rs | light;
    const low = ((value & 15) << 4) | rs | light;
    return bytes4(high | E_BIT, high, low | E_BIT, low);
  }

  function transfer(bytes: string, read: number): string | undefined {
    const answer = hal.i2c_xfer(bus, address, bytes, read);
    if (answer === undefined) state = ABSENT;
    return answer;
  }

  /** Initialisation by instruction, figure 24 of the data sheet: three wake-up nibbles, then 4-bit mode. */
  function initialise(): void {
    const wake = slice(both(HD44780.commands.function_set | HD44780.commands.function_8bit, 0), 0, 2);
    state = READY;
    transfer(byte(light) + wake, 0);
    hal.delay_us(HD44780.wake_us.first);
    transfer(
      wake +
        // The third one and 4-bit mode, a nibble each.
        both(
          HD44780.commands.function_set | HD44780.commands.function_8bit | idiv(HD44780.commands.function_set, 16),
          0,
        ) +
        both(HD44780.commands.function_set | HD44780.commands.function_2line, 0) +
        both(HD44780.commands.display, 0) +
        both(HD44780.commands.clear, 0),
      0,
    );
    hal.delay_us(HD44780.clear_us);
    transfer(
      both(HD44780.commands.entry_mode | HD44780.commands.entry_increment, 0) +
        both(HD44780.commands.display | HD44780.commands.display_on, 0),
      0,
    );
    for (let i = 0; i < height; i += 1) shown[i] = blank;
    lightShown = light;
    dirty = true;
  }

  function writeRun(row: number): void {
    const want = wanted[row] as string;
    const have = shown[row] as string;
    let first = 0;
    while (at(want, first) === at(have, first)) first += 1;
    let last = columns - 1;
    while (at(want, last) === at(have, last)) last -= 1;
    // RS stands before E rises (tAS, 60 ns at 3.3 V): a byte without E where it changes.
    const pieces: string[] = [
      byte(light) +
        both(HD44780.commands.set_ddram | ((HD44780.row_address[row] as number) + first), 0) +
        byte(light | RS_BIT),
    ];
    for (let i = first; i <= last; i += 1) pieces.push(both(at(want, i), RS_BIT));
    transfer(join(pieces), 0);
    shown[row] = want;
  }

  function write(): void {
    for (let row = 0; row < height; row += 1) {
      if (wanted[row] !== shown[row]) {
        writeRun(row);
        return;
      }
    }
    dirty = false;
    if (light !== lightShown) {
      lightShown = light;
      transfer(byte(light), 0);
    }
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
    step(this: void, now_ms: number, spare: boolean): boolean {
      const due = now_ms >= probe_ms || (state === READY && (dirty || light !== lightShown));
      if (!due || spare) return due;
      probe_ms = now_ms + PROBE_MS;
      const port = transfer("", 1);
      if (port === undefined) return false;
      if (state === ABSENT) state = POWERED;
      else if (state === POWERED) initialise();
      else if ((at(port, 0) & E_BIT) !== 0) state = POWERED;
      else write();
      return false;
    },
  };
}

function spaces(count: number): string {
  let text = "";
  for (let i = 0; i < count; i += 1) text = `${text} `;
  return text;
}
