/**
 * What each pin of an RP2040 can be: its function table (RP2040 data sheet, 1.4.3, table 2). The table repeats itself, so it
 * is built from the patterns of its columns and compared with the printed rows in a test.
 */
const SPI = ["RX", "CSn", "SCK", "TX"] as const;
const UART = ["TX", "RX", "CTS", "RTS"] as const;
const USB = ["OVCUR DET", "VBUS DET", "VBUS EN"] as const;
/** Clock functions exist on six pins only. */
const CLOCKS: Record<number, string> = {
  20: "CLOCK GPIN0",
  21: "CLOCK GPOUT0",
  22: "CLOCK GPIN1",
  23: "CLOCK GPOUT1",
  24: "CLOCK GPOUT2",
  25: "CLOCK GPOUT3",
};
const PINS = 30;
const FIRST_ADC = 26;

function functionsOf(pin: number): string[] {
  // UART blocks of four begin with 0, 1, 1, 0, and repeat.
  const uart = [0, 1, 1, 0][(pin >> 2) & 3];
  const clock = CLOCKS[pin];
  return [
    `SPI${(pin >> 3) & 1} ${SPI[pin & 3]}`,
    `UART${uart} ${UART[pin & 3]}`,
    `I2C${(pin >> 1) & 1} ${pin % 2 === 0 ? "SDA" : "SCL"}`,
    `PWM${(pin >> 1) & 7} ${pin % 2 === 0 ? "A" : "B"}`,
    "SIO",
    "PIO0",
    "PIO1",
    ...(clock === undefined ? [] : [clock]),
    `USB ${USB[pin % 3]}`,
    ...(pin < FIRST_ADC ? [] : [`ADC${pin - FIRST_ADC}`]),
  ];
}

/** Functions by number of the pin, as the data sheet writes them: `I2C0 SDA`, `SPI1 CSn`, `CLOCK GPOUT0`; `SIO` is plain GPIO. */
export const rp2040Functions: readonly (readonly string[])[] = Array.from({ length: PINS }, (_, pin) =>
  functionsOf(pin),
);

/** Limits of a pin at 3.3 V (RP2040 data sheet, 5.2.3, table 632). It gives no capacitance; 5 pF is assumed. */
export const rp2040Pin = { supply_v: 3.3, low_max_v: 0.8, high_min_v: 2, capacitance_pf: 5 } as const;
