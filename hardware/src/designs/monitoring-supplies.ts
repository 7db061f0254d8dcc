import { monitoringBoard as board } from "../boards/monitoring.ts";
import type { Wire } from "./types.ts";

const COUNT = board.channels.length;
const each = (prefix: string, first: number, count: number, ...pins: string[]): string[] =>
  pins.flatMap((pin) => Array.from({ length: count }, (_, n) => `${prefix}${first + n}.${pin}`));
const all = (designator: string, ...pins: string[]): string[] => pins.map((pin) => `${designator}.${pin}`);

/** What A0 and A1 of an INA226 are strapped to, by their two bits of the address (SBOS547B, 6.5.5.1). */
const STRAPS = ["GND", "3V3", "SDA", "SCL"] as const;
type Strap = (typeof STRAPS)[number];

/** Strap of each address pin of the board's INA226: the lowest address has both at ground. */
const strapped: [end: string, strap: Strap, bus: string][] = [
  ...board.channels.map(({ number, monitor_address }) => [`U${number}`, monitor_address, "MONITOR"] as const),
  ["U38", board.supply.address, "PANEL"] as const,
].flatMap(([designator, address, bus]) =>
  [0, 1].map((pin): [string, Strap, string] => [
    `${designator}.A${pin}`,
    STRAPS[(address >> (2 * pin)) & 3] as Strap,
    bus,
  ]),
);

/** Address pins that hang on a line of a bus. */
export const strapsOn = (bus: string, line: "SDA" | "SCL"): string[] =>
  strapped.flatMap(([end, strap, at]) => (strap === line && at === bus ? [end] : []));
const strapsTo = (net: "GND" | "3V3"): string[] => strapped.flatMap(([end, strap]) => (strap === net ? [end] : []));

/** Address pins of the expanders and the EEPROM on the panel's bus, by the bits of their addresses. */
const addressPins = (level: number): string[] => [
  ...[0, 1, 2].flatMap((pin) => (((board.lcd.address >> pin) & 1) === level ? [`U32.A${pin}`] : [])),
  ...[0, 1, 2].flatMap((pin) => (((board.readback_address >> pin) & 1) === level ? [`U39.A${pin}`] : [])),
  ...[0, 1, 2].flatMap((pin) => (((board.eeprom_address >> pin) & 1) === level ? [`U31.A${pin}`] : [])),
  ...((board.thermometer_address & 1) === level ? ["U30.A0"] : []),
];

const supply = (net: string, ends: string[], note: string): Wire => ({ net, channel: null, ends, note });

/** Channels behind each fuse of a feed: no blade fuse that a holder of 30 A takes carries all eight in warm air. */
export const branches: readonly (readonly number[])[] = [
  [1, 2, 3, 4],
  [5, 6, 7, 8],
];

/** 3.3 V from the controller's module, and ground: both go to planes of the board. */
export const monitoringSupplies: Wire[] = [
  supply(
    "3V3",
    [
      "A1.3V3(OUT)",
      ...each("U", 1, COUNT, "VS"),
      ...each("U", COUNT + 1, COUNT, "VS"),
      ...all("U17", "AVDD", "DVDD", "SYNC/RESET"),
      "U18.V+",
      ...each("U", 20, 10, "VCC"),
      ...all("U30", "V+"),
      ...all("U31", "VCC"),
      ...all("U32", "VDD"),
      ...all("U33", "VCC"),
      ...all("U34", "VDD"),
      "U38.VS",
      "U39.VDD",
      "C55.1",
      ...strapsTo("3V3"),
      ...addressPins(1),
      ...each("R", 65, 20, "2"),
      "R86.2",
      "R111.1",
      "R113.1",
      ...all("DS1", "VDD"),
      "RV1.1",
      "J20.2",
      ...each("C", 10, 40, "1"),
    ],
    "at most 300 mA from the module",
  ),
  supply(
    "GND",
    [
      ...all("A1", "GND", "AGND"),
      ...each("U", 1, COUNT, "GND"),
      ...each("U", COUNT + 1, COUNT, "GND"),
      // Without an external reference REFIN has nothing to do.
      ...all("U17", "AGND", "DGND", "REFIN"),
      "U18.V-",
      ...each("U", 20, 10, "GND"),
      // The flip-flops are used by their set and clear alone.
      ...each("U", 24, 4, "1D", "1CLK", "2D", "2CLK"),
      ...all("U30", "GND"),
      ...all("U31", "GND"),
      ...all("U32", "VSS"),
      // A low 1A lets 1B trigger; the other one-shot is held in reset.
      ...all("U33", "GND", "1A", "2A", "2B", "2RD"),
      "U34.GND",
      "U35.GND",
      "U38.GND",
      "U39.VSS",
      "C55.2",
      ...strapsTo("GND"),
      ...addressPins(0),
      ...each("Q", 17, 33, "S"),
      ...each("D", 9, COUNT, "A"),
      ...each("R", 33, 32, "2"),
      ...each("R", 95, COUNT, "2"),
      "R112.2",
      ...each("C", 10, 40, "2"),
      ...each("C", 50, 4, "-"),
      "C54.2",
      ...each("J", 1, COUNT, "2"),
      ...each("J", 9, COUNT, "1"),
      "J20.1",
      ...each("J", 21, 2, "2"),
      ...each("S", 1, 4, "2"),
      ...all("DS1", "VSS"),
      "RV1.3",
      ...each("PS", 1, 2, "-V"),
    ],
    "a plane; the shunts' inner pads are the only other reference",
  ),
];
