/** TMP105 temperature sensor (Texas Instruments SLLS648D). Registers of two bytes, most significant first. */
export const TMP105 = {
  temperature: 0,
  configuration: 1,
  /** Configuration after reset: 9 bits, continuous conversion. */
  configuration_reset: 0x00,
  /** Resolution of 12 bits: 62.5 millidegrees, four bits unused; a conversion takes 220 ms. */
  configuration_12_bits: 0x60,
} as const;
