import type {
  ConnectorPart,
  FusePart,
  FuseRating,
  GateDrive,
  SenseRange,
  ShuntPart,
  SwitchPart,
} from "../designs/types.ts";
import { ADS131M08, INA240A1 } from "../parts/fast-current.ts";
import { INA226 } from "../parts/ina226.ts";
import { PAC1954 } from "../parts/pac1954.ts";

export const shunts = {
  /** Of a target channel: four-terminal pads on the board, so that the amplifier sees the element alone. */
  channel: {
    part: "WSL2512R0200FEA",
    ohm: 0.02,
    rated_w: 1,
    derate_c: [70, 170],
    source: "Vishay WSL, document 30100: 1 W at 70 C in size 2512, 75 ppm/K with terminals, -65 to 170 C",
  },
  /** Of a whole rack, in its feed. */
  rack: {
    part: "WSL3637R0020FEA",
    ohm: 0.002,
    rated_w: 3,
    derate_c: [70, 170],
    source:
      "Vishay WSL3637, standard electrical specifications: 3 W at 70 C, 1 to 10 mOhm, four terminals; -65 to 170 C",
  },
  /** In the feed of the managed USB board. */
  usb_feed: {
    part: "WSL2512R0100FEA",
    ohm: 0.01,
    rated_w: 1,
    derate_c: [70, 170],
    source: "Vishay WSL, document 30100: 1 W at 70 C in size 2512",
  },
  port: {
    part: "WSL1206R0250FEA",
    ohm: 0.025,
    rated_w: 0.25,
    derate_c: [70, 170],
    source: "Vishay WSL, document 30100: 0.25 W at 70 C in size 1206",
  },
} satisfies Record<string, ShuntPart>;

export const senses = {
  monitor: {
    part: "INA226",
    shunt_v: INA226.shunt_lsb_v * 32768,
    common_mode_v: [0, INA226.bus_range_v],
    offset_v: INA226.shunt_offset_v,
    source: "Texas Instruments SBOS547B, 5.5: 81.92 mV, 0 to 36 V, offset of the shunt input 10 uV",
  },
  /** Amplifier and converter: the converter's full scale over the gain. The output stands on a reference of 1.65 V. */
  fast: {
    part: "INA240A1 and ADS131M08",
    shunt_v: ADS131M08.full_scale_v / INA240A1.gain,
    common_mode_v: INA240A1.common_mode_v,
    offset_v: null,
    source: "Texas Instruments SBOS662C, 6.5 (gain, -4 to 80 V); SBAS950B, 6.3 (1.2 V differential, inputs up to AVDD)",
  },
  port: {
    part: "PAC1954",
    shunt_v: PAC1954.shunt_full_scale_v,
    common_mode_v: [0, PAC1954.bus_full_scale_v],
    offset_v: null,
    source: "Microchip DS20006539: 100 mV full scale, bus voltage up to 32 V",
  },
} satisfies Record<string, SenseRange>;

export const switches = {
  /** Two P-channel MOSFETs with their sources together: the path blocks both ways, so a target cannot feed the rack. */
  channel: {
    part: "IRF9310TRPBF",
    in_series: 2,
    on_ohm: 0.0068,
    hot_factor: 1.4,
    max_v: 30,
    max_a: 16,
    gate_v: [4.5, 20],
    // At 25 C 1.3 to 2.4 V, less 5.8 mV/K; the least one is at 45 C.
    gate: { threshold_v: [1.18, 1.8, 2.4], input_nf: 5.25, transfer_nf: 0.88, leak_ua: 0.1 },
    junction_k_per_w: 50,
    junction_max_c: 150,
    source:
      "Infineon PD-97437A: 6.8 mOhm at most at -4.5 V, -30 V, -16 A at 70 C, 0.02 W/K on one square inch; threshold 1.3 to 2.4 V, 5250 pF, 880 pF, 100 nA; hot factor assumed",
  },
  port: {
    part: "TPS2553DBVR",
    in_series: 1,
    on_ohm: 0.135,
    hot_factor: 1,
    max_v: 6.5,
    max_a: 1.5,
    gate_v: null,
    gate: null,
    junction_k_per_w: 182.6,
    junction_max_c: 125,
    source:
      "Texas Instruments SLVS841F: 1.5 A continuous, reverse-voltage comparator; 135 mOhm is the hot limit, so no factor",
  },
} satisfies Record<string, SwitchPart>;

/**
 * No resistor lies between gate and sources, so the gate gets the whole rail. The diode carries the current that opens the
 * switch: 2.2 kOhm do it within the hard limit, which the resistor of the slew would miss. A silicon diode, because a
 * Schottky diode's leakage is a share of the current that the slew stands on.
 */
const gateNetwork = {
  pull_ohm: 2200,
  diode_v: 0.6,
  gate_source_ohm: null,
  capacitor_nf: 10,
  ohm_spread: 0.01,
  capacitor_spread: 0.05,
  source: "Nexperia BAS316: 0.6 V at 0.3 mA assumed for its 715 mV at 1 mA, 30 nA at 25 V; C0G within 5 %",
};

const gateParts = ["RC1206FR-072K2L", "GRM1885C1H103JA01D", "BAS316,115"];

export const gateDrives = {
  five: { ...gateNetwork, drive_ohm: 300_000, parts: ["RC0603FR-07300KL", ...gateParts] },
  twelve: { ...gateNetwork, drive_ohm: 910_000, parts: ["RC0603FR-07910KL", ...gateParts] },
} satisfies Record<string, GateDrive>;

/**
 * What Littelfuse prints as a number for air of 70 degrees, of its 466 series: 0.75 x 0.80 of the rating. The curves of the
 * series used here are drawings, which were not read; the sheet of the 452 calls its own re-rating low.
 */
const rerate_c = [70, 0.8] as const;
const RERATED = "re-rating to 80 % at 70 C, the number that Littelfuse prints for its 466 series";

export const fuses = {
  channel: {
    part: "0452005.MRL",
    rated_a: 5,
    max_v: 125,
    rerate_c,
    cold_ohm: 0.0136,
    melting_a2s: 53.72,
    source: `Littelfuse 452/454 series, electrical specifications: 5 A, slow, 125 V, 13.6 mOhm, 53.72 A2s; ${RERATED}`,
  },
} satisfies Record<string, FusePart>;

/** Fuses of the feeds. What they melt at does not count: the channels start one after the other. */
export const feedFuses = {
  rack: {
    part: "0287020.PXCN",
    rated_a: 20,
    max_v: 32,
    rerate_c,
    source: `Littelfuse ATOF 287 series: 20 A, 32 V; ${RERATED}`,
  },
  usb: {
    part: "0452007.MRL",
    rated_a: 7,
    max_v: 75,
    rerate_c,
    source: `Littelfuse 452/454 series, electrical specifications: 7 A, slow, 75 V; ${RERATED}`,
  },
  /** Of the board's own draw, so that the fuses of the channels carry the channels alone. */
  own: {
    part: "0452001.MRL",
    rated_a: 1,
    max_v: 125,
    rerate_c,
    source: `Littelfuse 452/454 series, electrical specifications: 1 A, slow, 125 V; ${RERATED}`,
  },
} satisfies Record<string, FuseRating>;
export const connectors = {
  target: {
    part: "B2P-VH",
    rated_a: 7,
    max_v: 250,
    source: "JST VH, specifications: 7 A with a solid wire of 1 mm in the quick-connect housing, 250 V",
  },
  feed: {
    part: "XT60PW-M",
    rated_a: 30,
    max_v: 500,
    source: "Amass XT60: 30 A continuous, 60 A for a moment, 500 V DC",
  },
  usb: {
    part: "692122030100",
    rated_a: 1.8,
    max_v: 30,
    source:
      "Wurth WR-COM, USB 3 standard A; 1.8 A for VBUS and GND (USB 3.1 legacy connectors, contact current rating)",
  },
  usb_feed: { part: "B2P-VH", rated_a: 7, max_v: 250, source: "JST VH, specifications: 7 A, 250 V" },
} satisfies Record<string, ConnectorPart>;
