import { ADM1272 } from "../src/parts/adm1272.ts";
import {
  ADS131M08_COMMANDS,
  ADS131M08_OSR,
  ADS131M08_REGISTERS,
  ADS131M08_RESET,
  ADS131M08_SETUP,
} from "../src/parts/ads131m08.ts";
import { AT24C } from "../src/parts/at24c.ts";
import { ADS131M08, INA240A1 } from "../src/parts/fast-current.ts";
import { INA226 } from "../src/parts/ina226.ts";
import { HD44780, LCD_BACKPACK, PCF8574 } from "../src/parts/lcd.ts";
import { PAC1954 } from "../src/parts/pac1954.ts";
import { TMP105 } from "../src/parts/tmp105.ts";
import { TMP105_TIMING } from "../src/parts/tmp105-timing.ts";
import { USB5744 } from "../src/parts/usb5744.ts";
import { W25Q16 } from "../src/parts/w25q16.ts";
import { page, table } from "./markdown.ts";

const hex4 = (value: number): string => `0x${value.toString(16).padStart(4, "0")}`;
const hex2 = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`;
const named = (entries: Record<string, number>, show: (value: number) => string): string =>
  Object.entries(entries)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${show(value)}`)
    .join(", ");
const micro = (times: readonly number[]): string => times.map((time) => time.toLocaleString("en")).join(", ");

/** Facts of a part as rows: what, and its value. */
const parts: [title: string, sheet: string, rows: [string, string][]][] = [
  [
    "INA226, monitor of a channel",
    "Texas Instruments SBOS547B",
    [
      ["registers", named(INA226.registers, hex2)],
      [
        "configuration after reset, as swept",
        `${hex4(INA226.configuration_reset)}, ${hex4(INA226.configuration_sweep)}`,
      ],
      ["identity", `manufacturer ${hex4(INA226.manufacturer_id)}, die ${hex4(INA226.die_id)}`],
      ["one code", `bus ${INA226.bus_lsb_v * 1e3} mV, shunt ${INA226.shunt_lsb_v * 1e6} uV`],
      ["conversion times, us", micro(INA226.conversion_us)],
      ["averages", INA226.averages.join(", ")],
      [
        "largest errors",
        `gain ${INA226.gain_error * 100} %, bus ${INA226.bus_offset_v * 1e3} mV, shunt ${INA226.shunt_offset_v * 1e6} uV`,
      ],
    ],
  ],
  [
    "ADS131M08 and INA240A1, fast currents",
    "Texas Instruments SBAS950B, SBOS662C",
    [
      ["registers", named(ADS131M08_REGISTERS, hex2)],
      [
        "after reset",
        Object.entries(ADS131M08_RESET)
          .map(([at, value]) => `${hex2(Number(at))}: ${hex4(value)}`)
          .join(", "),
      ],
      ["commands", named(ADS131M08_COMMANDS, hex4)],
      ["as set up", named(ADS131M08_SETUP, hex4)],
      ["oversampling", `${ADS131M08_OSR.join(", ")}; conversions a second are CLKIN / 2 / oversampling`],
      ["full scale", `${ADS131M08.full_scale_v} V, ${ADS131M08.full_scale_code} codes`],
      [
        "amplifier",
        `${INA240A1.gain} V/V, gain error ${INA240A1.gain_error * 100} %, offset ${INA240A1.offset_v * 1e6} uV`,
      ],
    ],
  ],
  [
    "TMP105, thermometer",
    "Texas Instruments SLLS648D",
    [
      ["registers", `temperature ${hex2(TMP105.temperature)}, configuration ${hex2(TMP105.configuration)}`],
      [
        "configuration after reset, as used",
        `${hex2(TMP105.configuration_reset)}, ${hex2(TMP105.configuration_12_bits)}`,
      ],
      ["conversion times by resolution, us", micro(TMP105_TIMING.conversion_us)],
    ],
  ],
  [
    "AT24C32E, EEPROM",
    "Microchip DS20006109A",
    [
      ["size", `${AT24C.bytes} bytes in pages of ${AT24C.page_bytes}`],
      ["write cycle", `${AT24C.write_ms} ms; the part does not acknowledge meanwhile`],
    ],
  ],
  [
    "PCF8574 of display and gates, HD44780",
    "NXP PCF8574 rev. 5; Hitachi ADE-207-272",
    [
      ["port after reset", hex2(PCF8574.reset)],
      ["port bits", named(LCD_BACKPACK, String)],
      ["commands", named(HD44780.commands, hex2)],
      ["row addresses", HD44780.row_address.map(hex2).join(", ")],
      [
        "times, us",
        `power-up ${micro([HD44780.power_up_us])}; start ${micro(Object.values(HD44780.wake_us))}; clear ${micro([HD44780.clear_us])}; command ${HD44780.command_us}`,
      ],
    ],
  ],
  [
    "W25Q16JV, flash of the Pico",
    "Winbond W25Q16JV revision G",
    [
      ["size", `${W25Q16.bytes} bytes, sectors of ${W25Q16.sector_bytes}, pages of ${W25Q16.page_bytes}`],
      ["commands", named(W25Q16.commands, hex2)],
      ["typical times, us", `sector erase ${micro([W25Q16.sector_erase_us])}, page program ${W25Q16.page_program_us}`],
    ],
  ],
  [
    "ADM1272, monitor of the floor board",
    "Analog Devices ADM1272 rev. B",
    [
      ["commands", named(ADM1272.commands, hex2)],
      ["PMON_CONFIG after reset, as used", `${hex4(ADM1272.pmon_config_reset)}, ${hex4(ADM1272.pmon_config)}`],
      ["direct format", `volts m ${ADM1272.volt_m}; amperes m ${ADM1272.ampere_m} a milliohm, b ${ADM1272.ampere_b}`],
      ["conversion times of its twin", "those of the ADM1276 (rev. C, table 1), an older part of the family"],
    ],
  ],
  [
    "USB5744, hub of the managed USB board (no firmware yet)",
    "Microchip DS00001855E",
    [
      ["commands on SMBus", named(USB5744.commands, hex4)],
      ["reset", `${USB5744.reset_low_us} us low, SMBus after ${USB5744.ready_ms} ms`],
    ],
  ],
  [
    "PAC1954, monitor of the managed USB board (no firmware yet)",
    "Microchip DS20006539",
    [
      ["commands", named(PAC1954.commands, hex2)],
      ["identity", `product ${hex2(PAC1954.product_id)}, manufacturer ${hex2(PAC1954.manufacturer_id)}`],
      ["full scale", `${PAC1954.bus_full_scale_v} V, ${PAC1954.shunt_full_scale_v * 1e3} mV`],
    ],
  ],
];

/** Registers, times and limits of every part that a program talks to. */
export function partsPage(): string {
  return page(
    "Parts that firmware talks to",
    "What `hardware/src/parts` says of them. Drivers and twins read the same facts; where a part has a twin, that answers with these values after a reset.",
    ...parts.flatMap(([title, sheet, rows]) => [`## ${title}\n\n${sheet}`, table(["fact", "value"], rows)]),
  );
}
