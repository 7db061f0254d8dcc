import { managedUsbBoard as board } from "../boards/managed-usb.ts";
import type { Crystal, Regulator, Wire } from "./types.ts";

const COUNT = board.ports.length;
const each = (prefix: string, first: number, count: number, ...pins: string[]): string[] =>
  pins.flatMap((pin) => Array.from({ length: count }, (_, n) => `${prefix}${first + n}.${pin}`));
const all = (designator: string, ...pins: string[]): string[] => pins.map((pin) => `${designator}.${pin}`);
const net = (name: string, ends: string[], note?: string): Wire => ({
  net: name,
  channel: null,
  ends,
  ...(note === undefined ? {} : { note }),
});

/** A converter from its input to its rail: choke, shunt of the rail's monitor, and the divider behind that shunt. */
function converter(
  name: string,
  at: { chip: number; choke: number; capacitor: number; shunt: number; upper: number; sense: number },
  loads: string[],
): Wire[] {
  const { chip, choke, capacitor, shunt, upper, sense } = at;
  return [
    net(`SWITCHING_${name}`, [`U${chip}.SW`, `L${choke}.1`]),
    net(`CONVERTED_${name}`, [`L${choke}.2`, `C${capacitor}.1`, `C${capacitor + 1}.1`, `R${shunt}.1`]),
    net(`SENSE+_${name}`, [`R${shunt}.S1`, `U15.SENSE${sense}+`], "from the inner pads of the shunt"),
    net(`SENSE-_${name}`, [`R${shunt}.S2`, `U15.SENSE${sense}-`], "from the inner pads of the shunt"),
    net(name, [`R${shunt}.2`, `R${upper}.1`, ...loads]),
    net(`FEEDBACK_${name}`, [`U${chip}.FB`, `R${upper}.2`, `R${upper + 1}.1`], "0.6 V"),
  ];
}

/** Supplies of the managed USB board and the crystal of its hub. */
export const managedUsbSupplies: Wire[] = [
  net("FEED", ["PS1.+V", "J6.1", "R36.1"]),
  net("SENSE+_FEED", ["R36.S1", "U15.SENSE1+"], "from the inner pads of the shunt"),
  net("SENSE-_FEED", ["R36.S2", "U15.SENSE1-"], "from the inner pads of the shunt"),
  net("MEASURED", ["R36.2", "F1.1", "F2.1"], "the shunt sees the ports and the board itself"),
  net("RAIL", ["F1.2", ...each("U", 2, COUNT, "IN"), ...each("C", 39, 4, "1")], "5 V of the ports"),
  net(
    "OWN",
    ["F2.2", ...each("U", 18, 2, "VIN", "EN"), ...each("C", 43, 2, "1"), "C55.1", "C56.1"],
    "5 V of the converters, which the fuse of the ports does not carry",
  ),
  ...converter("1V2", { chip: 18, choke: 1, capacitor: 57, shunt: 38, upper: 39, sense: 3 }, [
    "U1.VDD12",
    ...each("C", 29, 10, "1"),
  ]),
  ...converter("3V3", { chip: 19, choke: 2, capacitor: 59, shunt: 37, upper: 41, sense: 2 }, [
    "U1.VDD33",
    ...each("U", 6, 2 * COUNT, "VCC"),
    ...each("U", 14, 2, "VDD", "PWRDN"),
    "U16.V+",
    "U17.VCC",
    ...each("R", 13, 14, "2"),
    ...each("R", 29, 2, "2"),
    ...each("C", 5, 24, "1"),
  ]),
  net("XTALI", ["U1.XTALI", "Y1.1", "C61.1"]),
  net("XTALO", ["U1.XTALO", "Y1.3", "C62.1"]),
  net("RBIAS", ["U1.RBIAS", "R33.1"]),
  net("CFG_NON_REM", ["U1.CFG_NON_REM", "R43.1"], "200 k down: every port's device can be removed"),
  net("CFG_BC_EN", ["U1.CFG_BC_EN", "R44.1"], "200 k down: no battery charging"),
  net("ADDRESS_RAILS", ["U15.ADDRSEL", "R35.1"], "499 Ohm: 0x11; at ground 0x10"),
  net(
    "GND",
    [
      "PS1.-V",
      "J6.2",
      "A1.GND",
      "A1.AGND",
      ...all("U1", "VSS", "ATEST"),
      ...each("U", 2, COUNT, "GND"),
      // Low selects HSD1, and port B of the SuperSpeed switch.
      ...each("U", 6, 2 * COUNT, "GND", "SEL"),
      // A low SLOW keeps the full sampling rate.
      ...each("U", 14, 2, "GND", "SLOW/ALERT1"),
      ...all("U14", "ADDRSEL"),
      ...all("U15", "SENSE4+", "SENSE4-"),
      ...all("U16", "GND", "A0"),
      ...all("U17", "GND", "A0", "A1", "A2", "WP"),
      ...each("U", 18, 2, "GND"),
      ...each("D", 1, 2 * COUNT, "GND"),
      ...each("R", 5, 2 * COUNT, "2"),
      ...each("R", 27, 2, "2"),
      ...each("R", 32, 2, "2"),
      "R35.2",
      "R40.2",
      "R42.2",
      ...each("R", 43, 2, "2"),
      "LD1.K",
      ...each("C", 1, COUNT, "-"),
      ...each("C", 5, 40, "2"),
      ...each("C", 55, 8, "2"),
      "Y1.2",
      "Y1.4",
      ...each("J", 1, COUNT + 1, "GND", "DRAIN", "SHIELD"),
      "S1.2",
    ],
    "a plane",
  ),
];

/** SLVSDG1: reference 0.6 V within 2 %, 1.5 MHz, 2 A, 2.2 uH with 10 to 47 uF. */
const tlv62569 = {
  part: "TLV62569DBVR",
  input_v: 5,
  tolerance: 0.05,
  rated_a: 2,
  reference_v: 0.6,
  reference_spread: 0.02,
  lower_ohm: 100_000,
  ohm_spread: 0.01,
  hertz: 1_500_000,
  choke: { part: "XFL4020-222MEC", uh: 2.2, spread: 0.2, saturation_a: 3.1 },
  output_uf: 44,
  output_range_uf: [10, 47],
  source:
    "Texas Instruments SLVSDG1, electrical characteristics and application section; Coilcraft XFL4020: 3.1 A at 10 % less inductance",
} as const;

/** Loads are estimates: the hub with four busy SuperSpeed ports, and the switches, monitors and pull-ups. */
export const managedUsbRegulators: Regulator[] = [
  { ...tlv62569, designator: "U18", output_v: 1.2, load_a: 0.8, upper_ohm: 100_000 },
  { ...tlv62569, designator: "U19", output_v: 3.3, load_a: 0.3, upper_ohm: 453_000 },
];

export const managedUsbCrystals: Crystal[] = [
  {
    designator: "Y1",
    part: "ABM8-25.000MHZ-B2-T",
    load_pf: 18,
    capacitor_pf: 27,
    stray_pf: 9,
    source: "Abracon ABM8: 18 pF, 20 ppm; pin and trace are taken as 9 pF a side",
  },
];
