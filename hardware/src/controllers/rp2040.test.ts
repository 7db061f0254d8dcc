import { expect, it } from "vitest";
import { picoInternal, picoPad, picoPads } from "./pico.ts";
import { rp2040Functions } from "./rp2040.ts";

/** Rows of the function table as the data sheet prints them (RP2040, 1.4.3, table 2), PIO and GPIO left out. */
const printed: Record<number, string[]> = {
  0: ["SPI0 RX", "UART0 TX", "I2C0 SDA", "PWM0 A", "USB OVCUR DET"],
  1: ["SPI0 CSn", "UART0 RX", "I2C0 SCL", "PWM0 B", "USB VBUS DET"],
  6: ["SPI0 SCK", "UART1 CTS", "I2C1 SDA", "PWM3 A", "USB OVCUR DET"],
  12: ["SPI1 RX", "UART0 TX", "I2C0 SDA", "PWM6 A", "USB OVCUR DET"],
  15: ["SPI1 TX", "UART0 RTS", "I2C1 SCL", "PWM7 B", "USB OVCUR DET"],
  17: ["SPI0 CSn", "UART0 RX", "I2C0 SCL", "PWM0 B", "USB VBUS EN"],
  21: ["SPI0 CSn", "UART1 RX", "I2C0 SCL", "PWM2 B", "CLOCK GPOUT0", "USB OVCUR DET"],
  24: ["SPI1 RX", "UART1 TX", "I2C0 SDA", "PWM4 A", "CLOCK GPOUT2", "USB OVCUR DET"],
  27: ["SPI1 TX", "UART1 RTS", "I2C1 SCL", "PWM5 B", "USB OVCUR DET", "ADC1"],
  29: ["SPI1 CSn", "UART0 RX", "I2C0 SCL", "PWM6 B", "USB VBUS EN", "ADC3"],
};

it("the function table is the printed one", () => {
  const shared = ["SIO", "PIO0", "PIO1"];
  for (const [pin, row] of Object.entries(printed)) {
    const built = (rp2040Functions[Number(pin)] ?? []).filter((name) => !shared.includes(name));
    expect(built, `GP${pin}`).toEqual(row);
  }
  expect(rp2040Functions).toHaveLength(30);
});

it("a Pico brings out 26 pins, each on one of its 40 pads, and keeps four", () => {
  expect(picoPads.map(({ pad }) => pad)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  const out = picoPads.flatMap(({ gpio }) => (gpio === null ? [] : [gpio]));
  expect(new Set(out).size).toBe(26);
  expect([...out, ...Object.keys(picoInternal).map(Number)].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 30 }, (_, n) => n),
  );
  expect([picoPad(0)?.pad, picoPad(15)?.pad, picoPad(16)?.pad, picoPad(22)?.pad, picoPad(28)?.pad]).toEqual([
    1, 20, 21, 29, 34,
  ]);
  // Grounds stand five pads apart; the one at pad 33 is the converter's.
  expect(picoPads.filter(({ name }) => name.endsWith("GND")).map(({ pad }) => pad)).toEqual([
    3, 8, 13, 18, 23, 28, 33, 38,
  ]);
});
