/** I2C buses of the monitoring board: pins and speeds, read by the image build. Lua names a bus by its number alone. */
export const monitoringBuses = {
  monitor: { sda: 8, scl: 9, hertz: 400_000 },
  panel: { sda: 10, scl: 11, hertz: 100_000 },
} as const;

/**
 * The link's UART as the image uses it. A Pico has no pads for these pins: the UART carrier exists in the emulated chip and
 * on boards that carry a bare RP2040.
 */
export const monitoringUart = { uart: 1, tx: 24, rx: 25 } as const;
