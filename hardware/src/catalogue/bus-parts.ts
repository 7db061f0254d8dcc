import type { BusPart } from "../designs/types.ts";

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n);

/** Parts on I2C and SMBus: addresses, speeds and loads by their data sheets. Registers stand in `parts/`. */
export const busParts = {
  ina226: {
    part: "INA226",
    addresses: range(0x40, 16),
    max_hertz: 2_940_000,
    pin_pf: 3,
    supply_v: [2.7, 5.5],
    source: "Texas Instruments SBOS547B, 5.5 (input capacitance), 6.5.5.1 (addresses), 6.5.5.3.1 (high-speed mode)",
  },
  tmp105: {
    part: "TMP105",
    addresses: range(0x48, 2),
    max_hertz: 3_400_000,
    pin_pf: 3,
    supply_v: [2.7, 5.5],
    source: "Texas Instruments SLLS648D, electrical characteristics; serial bus address (A0 alone)",
  },
  at24c32: {
    part: "AT24C32E",
    addresses: range(0x50, 8),
    max_hertz: 1_000_000,
    pin_pf: 8,
    supply_v: [2.5, 3.6],
    source:
      "Microchip DS20006109A, features (1.7 to 3.6 V, 1 MHz from 2.5 V on), 4.4 (SDA 8 pF); a write cycle takes 5 ms",
  },
  pcf8574: {
    part: "PCF8574",
    addresses: range(0x20, 8),
    max_hertz: 100_000,
    pin_pf: 7,
    supply_v: [2.5, 6],
    source: "NXP PCF8574; PCF8574A rev. 5, table 9 (7 pF), 7.1 (addresses), table 10 (100 kHz)",
  },
  usb5744: {
    part: "USB5744",
    addresses: [0x2d],
    max_hertz: 100_000,
    pin_pf: 10,
    supply_v: [3.0, 3.6],
    lines: { SDA: "SMDAT", SCL: "SMCLK" },
    source:
      "Microchip DS00001855E; SMBus address as Linux' and U-Boot's drivers use it; 10 pF is the bus's own allowance",
  },
  pac1954: {
    part: "PAC1954",
    addresses: range(0x10, 16),
    max_hertz: 1_000_000,
    pin_pf: 10,
    supply_v: [2.7, 5.5],
    source:
      "Microchip DS20006539, address selection by the resistor at ADDRSEL; identity and ranges as public drivers have them; 10 pF is the bus's own allowance",
  },
} satisfies Record<string, BusPart>;
