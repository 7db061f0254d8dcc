/**
 * ADS131M08 at register level (Texas Instruments SBAS950B). Words are 24 bits after a reset; a frame is status, eight
 * channels and a CRC out, command, data and padding in. Only what driver and twin use.
 */
export const ADS131M08_REGISTERS = {
  id: 0x00,
  status: 0x01,
  mode: 0x02,
  clock: 0x03,
  gain1: 0x04,
  gain2: 0x05,
  cfg: 0x06,
} as const;

/** Reset values, section 8.6. */
export const ADS131M08_RESET: Record<number, number> = {
  0: 0x2800,
  1: 0x0500,
  2: 0x0510,
  3: 0xff0e,
  4: 0x0000,
  5: 0x0000,
  6: 0x0600,
};

/** Commands, table 8-11. A register write is 011a aaaa annn nnnn with n one less than the number of registers. */
export const ADS131M08_COMMANDS = { null: 0x0000, reset: 0x0011, rreg: 0xa000, wreg: 0x6000 } as const;

/** Oversampling ratios by CLOCK.OSR (bits 4:2); 0 is 128. Data rate = CLKIN / 2 / OSR. */
export const ADS131M08_OSR = [128, 256, 512, 1024, 2048, 4096, 8192, 16256] as const;

/** MODE: 16-bit words, CCITT CRC out, no time-out. CLOCK: all channels, crystal off, OSR 128, high resolution. */
export const ADS131M08_SETUP = { mode: 0x0000, clock: 0xff82 } as const;

/** Words of a frame in 16-bit mode: status, eight channels, CRC. */
export const ADS131M08_FRAME_WORDS = 10;
/** Seed of the CCITT CRC over a frame; polynomial 0x1021. */
export const ADS131M08_CRC_SEED = 0xffff;
