import { monitoringBoard as board } from "../boards/monitoring.ts";
import { monitoringBuses, monitoringUart } from "../boards/monitoring-buses.ts";
import { monitoringConverter } from "../boards/monitoring-converter.ts";
import { monitoringAllPins } from "../boards/monitoring-pins.ts";
import { busParts } from "../catalogue/bus-parts.ts";
import { monitoringBom, monitoringBom12 } from "../catalogue/monitoring-bom.ts";
import { rp2040Pin } from "../controllers/rp2040.ts";
import { ADS131M08_FRAME_WORDS } from "../parts/ads131m08.ts";
import { monitoringFeeds, monitoringPaths } from "./monitoring-paths.ts";
import { monitoringWires } from "./monitoring-wires.ts";
import { supplyClasses } from "./supplies.ts";
import type { BoardDesign, BusDesign, OutputDesign } from "./types.ts";

const buses: BusDesign[] = [
  {
    name: `I2C${board.monitor_bus}`,
    ...monitoringBuses.monitor,
    supply_v: rp2040Pin.supply_v,
    pull_up_ohm: 2200,
    trace_mm: 300,
    cable_mm: 0,
    devices: board.channels.map(({ number, monitor_address }) => ({
      designator: `U${number}`,
      what: `monitor of channel ${number}`,
      part: busParts.ina226,
      address: monitor_address,
    })),
  },
  {
    name: `I2C${board.panel_bus}`,
    ...monitoringBuses.panel,
    supply_v: rp2040Pin.supply_v,
    pull_up_ohm: 4700,
    trace_mm: 150,
    cable_mm: 300,
    devices: [
      {
        designator: "U30",
        what: "temperature beside the shunts",
        part: busParts.tmp105,
        address: board.thermometer_address,
      },
      {
        designator: "U31",
        // docs/decisions/0012-calibration-in-flash.md.
        what: "spare: calibration and last state lie in the controller's flash",
        part: busParts.at24c32,
        address: board.eeprom_address,
      },
      { designator: "U32", what: "panel's display", part: busParts.pcf8574, address: board.lcd.address },
      {
        designator: "U39",
        what: "levels at the gates of the switches",
        part: busParts.pcf8574,
        address: board.readback_address,
      },
      { designator: "U38", what: "monitor of the rack's supply", part: busParts.ina226, address: board.supply.address },
    ],
  },
];

/**
 * Bits of the chain. The switch drives a gate through an AND with its trip latch; discharge, reset and strap drive the gates
 * of small N-channel MOSFETs whose drains are open, so a low level is what a target cannot feel.
 */
const outputs: OutputDesign[] = board.channels.flatMap((channel) => {
  const line = (name: string, bit: number): OutputDesign => ({
    name: `${name}_${channel.number}`,
    channel: channel.number,
    driver: { bit },
    safe: "low",
    pull_ohm: 10_000,
    pull: "down",
  });
  return [
    line("switch", channel.switch_bit),
    line("discharge", channel.discharge_bit),
    line("reset", channel.reset_bit),
    line("strap", channel.strap_bit),
  ];
});

/** The monitoring board, revision A, as it would be built. */
export const monitoringDesign: BoardDesign = {
  name: "monitoring",
  title: "Monitoring board",
  revision: board.revision,
  copper:
    "Designed, checked as data and simulated; never built in copper. No layout exists, and no figure of this page was measured on a board.",
  ambient_c: 45,
  pins: monitoringAllPins,
  emulated_only: {
    [monitoringUart.tx]: "UART carrier of the link, transmit",
    [monitoringUart.rx]: "UART carrier of the link, receive",
  },
  buses,
  shared_lines: [
    {
      name: "alert",
      pin: board.alert_pin,
      pull_up_ohm: 10_000,
      sources: board.channels.length,
      // SBOS547B, 5.5: 0.4 V at 3 mA; the pull-up gives a tenth of that. BAT54: 0.32 V at 1 mA.
      source_low_v: 0.4,
      diode_v: 0.32,
    },
  ],
  outputs,
  chain_bits: board.chain_bits,
  gate: {
    part: "74HC123D",
    kick_pin: board.chain.latch_pin,
    resistor_ohm: 390_000,
    capacitor_uf: 2.2,
    // 0.55 at 2 V, 0.45 at 5 V; between them at 3.3 V.
    factor: 0.5,
    spread: 0.15,
    limit_ms: 500,
    kick_every_ms: 100,
    enable: { active: "low", idle: "disabled", driven_by: "gate" },
    supervisor: "TPS3839K33DBZR",
  },
  wires: monitoringWires,
  timing: {
    converter: {
      part: "ADS131M08",
      ...monitoringConverter,
      // SBAS950B, 6.3 (CLKIN in high-resolution mode) and 6.6 (SCLK period of 40 ns).
      clkin_range_hz: [300_000, 8_400_000],
      frame_bits: 16 * ADS131M08_FRAME_WORDS,
      sclk_hz: monitoringConverter.system_hz / 8,
      sclk_max_hz: 25_000_000,
    },
    sweep: { bus: `I2C${board.monitor_bus}`, registers: 2, period_ms: 10 },
    // SBOS547B, 5.5: a conversion of 332 us takes 365 us at most.
    alert: { part: "INA226", conversion_us: 365, limit_us: 2000 },
  },
  paths: monitoringPaths(supplyClasses.five),
  feeds: monitoringFeeds,
  regulators: [],
  crystals: [],
  bom: monitoringBom,
};

/** The same board fitted for targets of the 12 V class on every channel. */
export const monitoringDesign12: BoardDesign = {
  ...monitoringDesign,
  name: "monitoring-12v",
  title: "Monitoring board, 12 V class",
  paths: monitoringPaths(supplyClasses.twelve),
  bom: monitoringBom12,
};
