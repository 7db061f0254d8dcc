import { HD44780 } from "@mltb/hardware";

export interface Hd44780 {
  /** A falling edge of E with RS and the four data lines D7..D4 (as bits 3..0). */
  strobe(rs: number, nibble: number, now_us: number): void;
  /** The supply comes: what was written is lost, and the controller is busy with its own reset. */
  powerUp(now_us: number): void;
  /** What a person sees: four rows of twenty characters, blank while the display is off. */
  rows(): string[];
  /** Strobes that came while the controller was busy; real hardware loses them. */
  busyViolations: number;
  /** Changes of RS or RW while E is high or rises; real hardware wants them 60 ns before E (tAS, 40 ns at 5 V). */
  setupViolations: number;
  /** Strobes that it took, and characters written into its memory. */
  strobes: number;
  characters: number;
  /** Dots of a character of its own, eight rows of five bits. */
  glyph(code: number): number[];
}

/** Bytes of the two character memories, and the end of the two lines of 40 characters. */
const CGRAM_BYTES = 64;
const LINE = 40;
const SECOND = 0x40;
/** 0xe0 to 0xff of the character ROM, not compared with the sheet's print (0xed, a pound sign, is the least certain); g, j, p, q and y are the ones whose tails reach below the line. */
const UPPER = "αäβεμσρg√\ufffdjˣ¢£ñöpqθ∞ΩüΣπ\ufffdy千万円÷ █";

/**
 * The character ROM of code A00 (table 4) as people read it: 0x20 to 0x7d are ASCII but for a yen sign, behind them two
 * arrows, half-width kana from 0xa1 on, letters and signs of other alphabets from 0xe0 on. The eight characters of CGRAM, twice,
 * are U+E000 to U+E007. Codes without a glyph (0x10 to 0x1f, 0x80 to 0x9f) are blank; the two glyphs that are no single character of
 * Unicode (0xe9, a raised -1, and 0xf8, an x with a bar) are replacement characters.
 */
function character(code: number): string {
  if (code < 0x10) return String.fromCharCode(0xe000 + (code & 7));
  if (code === 0x5c) return "¥";
  if (code === 0x7e) return "→";
  if (code === 0x7f) return "←";
  if (code >= 0x20 && code < 0x7e) return String.fromCharCode(code);
  if (code === 0xdf) return "°";
  if (code >= 0xe0) return UPPER[code - 0xe0] as string;
  return code > 0xa0 ? String.fromCharCode(0xff61 + code - 0xa1) : " ";
}

/**
 * HD44780U with a 20 x 4 glass (ADE-207-272): power-up in 8-bit mode, the initialisation by instruction with its waits
 * (figure 24), 4-bit transfers, DDRAM with its two lines of 40, CGRAM, entry mode, cursor and display shift, execution times
 * of table 6. The driver never reads, and reading is not modelled.
 */
export function createHd44780(columns: number): Hd44780 {
  const ddram = new Uint8Array(0x80);
  const cgram = new Uint8Array(CGRAM_BYTES);
  let inCgram: boolean;
  let address: number;
  let increment: number;
  let shifting: boolean;
  let shift: number;
  let fourBit: boolean;
  /** Function sets of the initialisation so far. */
  let wakeups: number;
  let high: number | undefined;
  let displayOn: boolean;
  let busyUntil_us: number;

  /** Two-line mode: 0x00-0x27 and 0x40-0x67, each end runs into the other line. */
  function move(step: number): void {
    if (inCgram) address = (address + step) & (CGRAM_BYTES - 1);
    else if (step > 0) address = address === LINE - 1 ? SECOND : address === SECOND + LINE - 1 ? 0 : address + 1;
    else address = address === 0 ? SECOND + LINE - 1 : address === SECOND ? LINE - 1 : address - 1;
  }

  const scroll = (step: number): void => {
    shift = (shift + step + LINE) % LINE;
  };

  function command(value: number): number {
    const c = HD44780.commands;
    if ((value & c.set_ddram) !== 0) {
      inCgram = false;
      address = value & 0x7f;
    } else if ((value & 0x40) !== 0) {
      inCgram = true;
      address = value & 0x3f;
    } else if ((value & c.function_set) !== 0) {
      // Figure 24: the busy flag can be checked after the third.
      const wait = Object.values(HD44780.wake_us)[wakeups];
      wakeups += 1;
      fourBit = (value & c.function_8bit) === 0;
      high = undefined;
      if (wait !== undefined) return wait;
    } else if ((value & 0x10) !== 0) {
      const step = (value & 0x04) !== 0 ? 1 : -1;
      if ((value & 0x08) !== 0) scroll(-step);
      else move(step);
    } else if ((value & c.display) !== 0) displayOn = (value & c.display_on) !== 0;
    else if ((value & c.entry_mode) !== 0) {
      increment = (value & c.entry_increment) !== 0 ? 1 : -1;
      shifting = (value & 0x01) !== 0;
    } else if ((value & c.home) !== 0 || value === c.clear) {
      if (value === c.clear) {
        ddram.fill(0x20);
        increment = 1;
      }
      inCgram = false;
      address = 0;
      shift = 0;
      return HD44780.clear_us;
    }
    return HD44780.command_us;
  }

  function store(value: number): number {
    if (inCgram) cgram[address] = value & 0x1f;
    else {
      ddram[address] = value;
      lcd.characters += 1;
      if (shifting) scroll(increment);
    }
    move(increment);
    return HD44780.command_us;
  }

  const lcd: Hd44780 = {
    busyViolations: 0,
    setupViolations: 0,
    strobes: 0,
    characters: 0,
    powerUp(now_us) {
      ddram.fill(0x20);
      cgram.fill(0);
      inCgram = false;
      address = 0;
      increment = 1;
      shifting = false;
      shift = 0;
      fourBit = false;
      wakeups = 0;
      high = undefined;
      displayOn = false;
      busyUntil_us = now_us + HD44780.power_up_us;
    },
    strobe(rs, nibble, now_us) {
      if (now_us < busyUntil_us) {
        lcd.busyViolations += 1;
        return;
      }
      lcd.strobes += 1;
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
      return HD44780.row_address.map((start) => {
        if (!displayOn) return " ".repeat(columns);
        const line = start & SECOND;
        const cell = (n: number): number => ddram[line + (((start & 0x3f) + n + shift) % LINE)] as number;
        return Array.from({ length: columns }, (_, n) => character(cell(n))).join("");
      });
    },
    glyph: (code) => [...cgram.subarray((code & 7) * 8, (code & 7) * 8 + 8)],
  };
  lcd.powerUp(0);
  return lcd;
}
