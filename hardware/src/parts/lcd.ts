/** PCF8574 port expander (NXP): one register, each bit quasi-bidirectional; all bits high after reset. */
export const PCF8574 = {
  reset: 0xff,
} as const;

/** How the common LCD backpack wires the expander to the display: bit numbers of the port. */
export const LCD_BACKPACK = { rs: 0, rw: 1, e: 2, backlight: 3, data: 4 } as const;

/** HD44780 display controller (Hitachi ADE-207-272), 4-bit interface. Times are the data sheet's maxima. */
export const HD44780 = {
  commands: {
    clear: 0x01,
    home: 0x02,
    entry_mode: 0x04,
    entry_increment: 0x02,
    display: 0x08,
    display_on: 0x04,
    function_set: 0x20,
    function_8bit: 0x10,
    function_2line: 0x08,
    set_ddram: 0x80,
  },
  /** DDRAM address of the first character of each row of a 20 x 4 display. */
  row_address: [0x00, 0x40, 0x14, 0x54],
  power_up_us: 40_000,
  /** Waits after the first and the second of the three wake-up nibbles (figure 24). */
  wake_us: { first: 4_100, second: 100 },
  clear_us: 1_520,
  command_us: 37,
} as const;
