/** What the TMP105 does beside answering its driver (SLLS648D): apart from it, so that no bundle carries it. */
export const TMP105_TIMING = {
  /** Typical conversion time by resolution, 9 to 12 bits, table "converter resolution"; the limits are 4/3 of it. */
  conversion_us: [27_500, 55_000, 110_000, 220_000],
  /** Limit registers after power-up: 75 and 80 degrees Celsius. */
  low_reset: 0x4b00,
  high_reset: 0x5000,
  /** Bits of the configuration: shutdown, and one conversion from it. */
  shutdown: 0x01,
  one_shot: 0x80,
  /** Largest code of twelve bits and smallest: 128 and -55 degrees Celsius (table "temperature data format"). */
  range_sixteenths: [-880, 2047],
} as const;
