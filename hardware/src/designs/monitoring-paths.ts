import { monitoringBoard as board } from "../boards/monitoring.ts";
import { monitoringPower } from "../boards/monitoring-power.ts";
import { connectors, feedFuses, fuses, gateDrives, senses, shunts, switches } from "../catalogue/power-parts.ts";
import { branches } from "./monitoring-supplies.ts";
import { supplyClasses } from "./supplies.ts";
import type { Feed, PowerPath, SupplyClass } from "./types.ts";

const discharge = { part: "2 x CRGP2512F100R", ohm: monitoringPower.discharge_ohm, rated_w: 4 };

/** Largest capacitance of a target: at the slew of the switch its inrush stays below the limit that firmware sets. */
const LOAD_UF = 2200;

/** The current's way of every channel, built for a class. Revision A is fitted with the 5 V class on all eight. */
export function monitoringPaths(supply: SupplyClass): PowerPath[] {
  const { limits } = board;
  return board.channels.map(({ number, shunt_ohm }) => ({
    channel: number,
    connector_name: `J${number}`,
    supply,
    limits,
    load_uf: LOAD_UF,
    slew_v_per_ms: monitoringPower.slew_v_per_ms,
    shunt: { ...shunts.channel, ohm: shunt_ohm },
    senses: [
      { limit: "hard_a", range: senses.fast },
      { limit: "inrush_a", range: senses.monitor },
    ],
    switch: switches.channel,
    gate_drive: supply === supplyClasses.twelve ? gateDrives.twelve : gateDrives.five,
    gate_parts: {
      elements: [`Q${2 * number - 1}`, `Q${2 * number}`],
      driver: `Q${16 + number}`,
      drive: `R${24 + number}`,
      capacitor: `C${number}`,
      pull: `R${86 + number}`,
      diode: `D${18 + number}`,
      gate_source: null,
    },
    fuse: fuses.channel,
    discharge,
    connector: connectors.target,
    trace: { width_mm: 3, copper_um: 35, length_mm: 60 },
  }));
}

export const monitoringFeeds: Feed[] = [
  {
    name: "J21, rack supply of the 5 V class",
    connector: connectors.feed,
    fuse: feedFuses.rack,
    branches,
    supply: { maker: "Mean Well", part: "RSP-150-5", rated_a: 30, volts: supplyClasses.five.nominal_v },
    own: {
      ampere: 0.2,
      fuse: feedFuses.own,
      source:
        "Estimate: Pico 0.1 A; display's light 0.03 A; INA240 8 x 2.6 mA (SBOS662C, 6.5); gate drivers' nodes 8 x 2.5 mA; the rest 0.03 A",
    },
    sense: { shunt: { ...shunts.rack, ohm: board.supply.shunt_ohm }, range: senses.monitor },
  },
  {
    name: "J22, rack supply of the 12 V class",
    connector: connectors.feed,
    fuse: feedFuses.rack,
    branches,
    supply: { maker: "Mean Well", part: "LRS-350-12", rated_a: 29, volts: supplyClasses.twelve.nominal_v },
    own: {
      ampere: 0.15,
      fuse: feedFuses.own,
      source: "Estimate: 0.2 A at 5 V through the R-78E5.0-1.0 at 80 %; gate drivers' nodes 8 x 6 mA",
    },
    sense: null,
  },
];
