import { FindingCode } from "../src/checks/finding.ts";
import type { BoardDesign, PowerPath } from "../src/designs/types.ts";
import { type Broken, fuse, gate, limits, path, timing } from "./breaking.ts";

/** Clashes of shunts, clocks, ratings, temperatures and driven lines. */
export const powerBreaks: Broken[] = [
  [
    "shunt beyond what is read",
    FindingCode.shuntRange,
    "channel 3",
    ["INA240A1 and ADS131M08 with 20 mOhm is at its full scale at 3 A, below hard_a of 3.2 A", "18.8 mOhm"],
    (design) => limits(design, 3, { hard_a: 3.2 }),
  ],
  [
    "shunt of the rack beyond what is read",
    FindingCode.shuntRange,
    "J21, rack supply of the 5 V class",
    [
      "INA226 with 4 mOhm is at its full scale at 20.5 A, below all channels and the board of 22.6 A",
      "at most 3.62 mOhm",
    ],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      const sense = feed.sense as NonNullable<typeof feed.sense>;
      design.feeds[0] = { ...feed, sense: { ...sense, shunt: { ...sense.shunt, ohm: 0.004, rated_w: 10 } } };
    },
  ],
  [
    "shunt of the rack too small for its heat",
    FindingCode.shuntPower,
    "J21, rack supply of the 5 V class",
    ["WSL3637R0020FEA turns 1.02 W into heat at 22.6 A", "0.5 W"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      const sense = feed.sense as NonNullable<typeof feed.sense>;
      design.feeds[0] = { ...feed, sense: { ...sense, shunt: { ...sense.shunt, rated_w: 1 } } };
    },
  ],
  [
    "shunt too small to prove off",
    FindingCode.shuntResolution,
    "channel 3",
    ["INA226 with 2 mOhm is off by up to 5 mA without current; off is proved below 5 mA", "at least 4 mOhm"],
    (design) => {
      path(design, 3).shunt = { ...path(design, 3).shunt, ohm: 0.002 };
    },
  ],
  [
    "shunt too small for its heat",
    FindingCode.shuntPower,
    "channel 4",
    ["WSL2512R0200FEA turns 0.174 W into heat at 2.95 A", "0.125 W"],
    (design) => {
      path(design, 4).shunt = { ...path(design, 4).shunt, rated_w: 0.25 };
    },
  ],
  [
    "rail beyond the common mode",
    FindingCode.commonMode,
    "channel 1",
    ["INA226 bears 0 to 5 V, the rail goes from 0 to 5.5 V"],
    (design) => {
      const sense = path(design, 1).senses[1] as PowerPath["senses"][0];
      path(design, 1).senses[1] = { ...sense, range: { ...sense.range, common_mode_v: [0, 5] } };
    },
  ],
  [
    "converter's clock with jitter",
    FindingCode.converterClock,
    "ADS131M08",
    ["125 MHz over 5.12 MHz is 24.4", "whole number"],
    (design) => {
      timing(design).converter = { ...timing(design).converter, system_hz: 125_000_000 };
    },
  ],
  [
    "converter's clock beyond its range",
    FindingCode.converterClock,
    "ADS131M08",
    ["CLKIN of 16 MHz is outside 0.3 to 8.4 MHz"],
    (design) => {
      timing(design).converter = { ...timing(design).converter, clkin_hz: 16_000_000, rate_hz: 62_500 };
    },
  ],
  [
    "rate that the clock does not give",
    FindingCode.converterClock,
    "ADS131M08",
    ["gives 10000 conversions a second, 20000 are said"],
    (design) => {
      timing(design).converter = { ...timing(design).converter, oversampling: 256 };
    },
  ],
  [
    "frame longer than a conversion",
    FindingCode.converterClock,
    "ADS131M08",
    ["a frame takes 160 us, the next begins after 50 us"],
    (design) => {
      timing(design).converter = { ...timing(design).converter, sclk_hz: 1_000_000 };
    },
  ],
  [
    "sweep that does not fit its period",
    FindingCode.sweepTime,
    "I2C0",
    ["8 parts of 6 registers take 5.76 ms of 10 ms"],
    (design) => {
      timing(design).sweep = { ...timing(design).sweep, registers: 6 };
    },
  ],
  [
    "alert slower than the hard limit",
    FindingCode.alertTime,
    "INA226",
    ["3.98 ms, the hard limit is 2 ms"],
    (design) => {
      timing(design).alert = { ...timing(design).alert, conversion_us: 1210 };
    },
  ],
  [
    "connector below the limit",
    FindingCode.connectorRating,
    "channel 2",
    ["J2 B2P-VH is rated 7 A and 5 V, the channel carries 2.95 A (hard_a) at up to 5.5 V", "stronger connector"],
    (design) => {
      path(design, 2).connector = { ...path(design, 2).connector, max_v: 5 };
    },
  ],
  [
    "fuse that blows in use",
    FindingCode.fuseRating,
    "channel 2",
    ["0452005.MRL carries 2.05 A for ever in air of 45 C", "at least 4.32 A"],
    (design) => {
      path(design, 2).fuse = { ...fuse(design, 2), rated_a: 3 };
    },
  ],
  [
    "fuse that carries the channel in a cool room alone",
    FindingCode.fuseRating,
    "channel 2",
    ["0452005.MRL carries 2.73 A for ever in air of 45 C", "carries 2.95 A (hard_a)"],
    (design) => {
      path(design, 2).fuse = { ...fuse(design, 2), rated_a: 4 };
    },
  ],
  [
    "fuse that blows at the start",
    FindingCode.fuseInrush,
    "channel 6",
    ["bears 0.22 A2s at every start, the inrush limit allows 0.32 A2s"],
    (design) => {
      path(design, 6).fuse = { ...fuse(design, 6), melting_a2s: 1 };
    },
  ],
  [
    "fuse above what follows it",
    FindingCode.fuseAbove,
    "channel 8",
    ["opens above 8 A, J8 B2P-VH behind it bears 7 A"],
    (design) => {
      path(design, 8).fuse = { ...fuse(design, 8), rated_a: 8 };
    },
  ],
  [
    "switch for a lower voltage",
    FindingCode.switchVoltage,
    "channel 5",
    ["IRF9310TRPBF bears 5 V, the rail goes to 5.5 V"],
    (design) => {
      path(design, 5).switch = { ...path(design, 5).switch, max_v: 5 };
    },
  ],
  [
    "switch too weak",
    FindingCode.switchCurrent,
    "channel 5",
    ["carries 2.5 A, hard_a is 2.95 A"],
    (design) => {
      path(design, 5).switch = { ...path(design, 5).switch, max_a: 2.5 };
    },
  ],
  [
    "discharge too slow for the proof of off",
    FindingCode.dischargeTime,
    "channel 7",
    [
      "100 Ohm take 2200 uF from 5.5 V below 0.25 V in 680 ms",
      "the proof needs 40 ms and the switch 0.353 ms",
      "at most 67.6 Ohm",
    ],
    (design) => {
      path(design, 7).discharge = { part: "CRGP2512F100R", ohm: 100, rated_w: 2 };
    },
  ],
  [
    "discharge that burns behind a stuck switch",
    FindingCode.dischargePower,
    "channel 7",
    ["turns 0.605 W into heat when the switch sticks at 5.5 V, it is rated 0.5 W"],
    (design) => {
      path(design, 7).discharge = { part: "RC2010", ohm: 50, rated_w: 0.5 };
    },
  ],
  [
    "switch too hot",
    FindingCode.hot,
    "channel 1",
    ["the junction of IRF9310TRPBF comes to 167 C at 2.95 A in air of 45 C, 125 C are allowed"],
    (design) => {
      path(design, 1).switch = { ...path(design, 1).switch, junction_k_per_w: 1474 };
    },
  ],
  [
    "shunt too hot",
    FindingCode.hot,
    "channel 2",
    ["WSL2512R0200FEA comes to", "C at 2.95 A in air of 45 C, 45 C are allowed", "larger size"],
    (design) => {
      // Its power rating still bears the heat: 0.83 W of it are left at 45 C.
      path(design, 2).shunt = { ...path(design, 2).shunt, derate_c: [40, 70] };
    },
  ],
  [
    "trace too hot",
    FindingCode.hot,
    "channel 1",
    ["its trace of 0.5 mm gets 50.5 K warmer"],
    (design) => {
      path(design, 1).trace = { ...path(design, 1).trace, width_mm: 0.5 };
    },
  ],
  [
    "line that floats without a driver",
    FindingCode.outputPull,
    "line switch_2",
    ["nothing holds it while bit 1 is not driven", "pull-down"],
    (design) => {
      Object.assign(design.outputs.find(({ name }) => name === "switch_2") ?? {}, { pull: null });
    },
  ],
  [
    "line that is pulled to the wrong side",
    FindingCode.outputPull,
    "line discharge_3",
    ["its resistor pulls it up while bit 10 is not driven, and low is its safe level"],
    (design) => {
      Object.assign(design.outputs.find(({ name }) => name === "discharge_3") ?? {}, { pull: "up" });
    },
  ],
  [
    "output enable wired to ground",
    FindingCode.outputEnable,
    "gate 74HC123D",
    ["wired to a fixed level, so outputs outlive the firmware"],
    (design) => {
      gate(design).enable = { active: "low", idle: "enabled", driven_by: "fixed" };
    },
  ],
  [
    "gate without a supervisor",
    FindingCode.outputEnable,
    "gate 74HC123D",
    ["nothing holds it shut while the supply comes up"],
    (design) => {
      gate(design).supervisor = null;
    },
  ],
  [
    "no gate at all",
    FindingCode.outputEnable,
    "output enable",
    ["nothing disables the shift registers"],
    (design) => {
      design.gate = null;
    },
  ],
  [
    "gate that stays open too long",
    FindingCode.outputTime,
    "gate 74HC123D",
    ["935 to 1270 ms", "outputs must be gone after 500 ms", "at most 395 kOhm with 2.2 uF"],
    (design) => {
      gate(design).resistor_ohm = 1_000_000;
    },
  ],
];
