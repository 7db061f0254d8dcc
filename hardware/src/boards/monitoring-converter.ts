/**
 * Wiring of the fast converter on the monitoring board, read by the image build and by the emulated chip. Apart from the
 * board's other data because Lua never sees the converter, and every fact in the bundle costs the board heap.
 */
export const monitoringConverter = {
  /** 128 MHz / 25: the system clock is chosen so that the converter's clock is free of jitter. */
  clkin_hz: 5_120_000,
  system_hz: 128_000_000,
  oversampling: 128,
  /** CLKIN / 2 / oversampling. */
  rate_hz: 20_000,
  spi: 1,
  pins: { rx: 12, cs: 13, sck: 14, tx: 15, drdy: 16, clkin: 21 },
} as const;
