import { managedUsbBoard as board } from "../boards/managed-usb.ts";
import { busParts } from "../catalogue/bus-parts.ts";
import { managedUsbBom } from "../catalogue/managed-usb-bom.ts";
import { connectors, feedFuses, senses, shunts, switches } from "../catalogue/power-parts.ts";
import { rp2040Pin } from "../controllers/rp2040.ts";
import type { PinUse } from "../types.ts";
import { managedUsbCrystals, managedUsbRegulators } from "./managed-usb-supplies.ts";
import { managedUsbWires } from "./managed-usb-wires.ts";
import { supplyClasses } from "./supplies.ts";
import type { BoardDesign, OutputDesign } from "./types.ts";

const input = (pin: number, name: string, use: string): PinUse => ({
  pin,
  name,
  function: "SIO",
  use,
  direction: "in",
});
const output = (pin: number, name: string, use: string): PinUse => ({ ...input(pin, name, use), direction: "out" });

const pins: PinUse[] = [
  ...board.ports.map(({ number, vbus_pin }) => output(vbus_pin, `vbus_${number}`, `VBUS of port ${number}`)),
  {
    ...output(board.bus.sda, "bus_sda", "SDA, hub, monitors"),
    function: `I2C${board.bus.number} SDA`,
    direction: "bus",
  },
  {
    ...output(board.bus.scl, "bus_scl", "SCL, hub, monitors"),
    function: `I2C${board.bus.number} SCL`,
    direction: "bus",
  },
  ...board.ports.map(({ number, fault_pin }) => input(fault_pin, `fault_${number}`, `VBUS switch ${number} limits`)),
  ...board.ports.map(({ number, usb2_pin }) => output(usb2_pin, `usb2_${number}`, `USB 2 data of port ${number} off`)),
  ...board.ports.map(({ number, super_speed_pin }) =>
    output(super_speed_pin, `super_speed_${number}`, `SuperSpeed of port ${number} off`),
  ),
  output(board.hub.reset_pin, "hub_reset", "hub RESET_N"),
  output(board.hub.attach_pin, "hub_attach", "hub VBUS_DET: shows the hub to the host"),
  input(board.monitors.alert_pin, "alert", "alert, wired-or of the monitors"),
  output(board.locate.light_pin, "locate_light", "light that shows which board it is"),
  input(board.locate.button_pin, "locate_button", "button"),
  { ...input(board.host_power_pin, "host_power", "half of the host's VBUS"), function: "ADC0" },
];

/** What holds every switch open while the controller's pins are not driven: after a reset, or without a controller. */
const outputs: OutputDesign[] = [
  ...board.ports.flatMap(({ number, vbus_pin, usb2_pin, super_speed_pin }): OutputDesign[] => {
    const at = { channel: number, pull_ohm: 10_000 };
    return [
      { ...at, name: `vbus_${number}`, driver: { pin: vbus_pin }, safe: "low", pull: "down" },
      { ...at, name: `usb2_${number}`, driver: { pin: usb2_pin }, safe: "high", pull: "up" },
      { ...at, name: `super_speed_${number}`, driver: { pin: super_speed_pin }, safe: "high", pull: "up" },
    ];
  }),
  ...(["reset", "attach"] as const).map(
    (name): OutputDesign => ({
      name: `hub_${name}`,
      channel: null,
      driver: { pin: board.hub[`${name}_pin`] },
      safe: "low",
      pull: "down",
      pull_ohm: 10_000,
    }),
  ),
];

/** The managed USB board, revision A, as it would be built. */
export const managedUsbDesign: BoardDesign = {
  name: "managed-usb",
  title: "Managed USB board",
  revision: board.revision,
  copper:
    "Designed and checked as data; never built in copper, and no firmware for it exists yet: it comes with a later version. No twin simulates it.",
  ambient_c: 45,
  pins,
  emulated_only: {},
  buses: [
    {
      name: `I2C${board.bus.number}`,
      sda: board.bus.sda,
      scl: board.bus.scl,
      hertz: board.bus.hertz,
      supply_v: rp2040Pin.supply_v,
      pull_up_ohm: 4700,
      trace_mm: 200,
      cable_mm: 0,
      devices: [
        { designator: "U1", what: "hub", part: busParts.usb5744, address: board.hub.address },
        { designator: "U14", what: "V and I of the ports", part: busParts.pac1954, address: board.monitors.ports },
        {
          designator: "U15",
          what: "V and I of input and rails",
          part: busParts.pac1954,
          address: board.monitors.rails,
        },
        { designator: "U16", what: "temperature", part: busParts.tmp105, address: board.thermometer_address },
        { designator: "U17", what: "names and identities", part: busParts.at24c32, address: board.eeprom_address },
      ],
    },
  ],
  shared_lines: [
    {
      name: "alert",
      pin: board.monitors.alert_pin,
      pull_up_ohm: 10_000,
      sources: 2,
      source_low_v: 0.4,
      // Nobody else listens to these outputs: they meet without diodes.
      diode_v: 0,
    },
  ],
  outputs,
  chain_bits: 0,
  gate: null,
  wires: managedUsbWires,
  timing: null,
  paths: board.ports.map(({ number, shunt_ohm }) => ({
    channel: number,
    connector_name: `J${number}`,
    supply: supplyClasses.five,
    limits: board.limits,
    load_uf: 150,
    slew_v_per_ms: 2,
    shunt: { ...shunts.port, ohm: shunt_ohm },
    senses: [{ limit: "hard_a", range: senses.port }],
    switch: switches.port,
    gate_drive: null,
    gate_parts: null,
    fuse: null,
    discharge: null,
    connector: connectors.usb,
    trace: { width_mm: 2, copper_um: 35, length_mm: 50 },
  })),
  feeds: [
    {
      name: "J6, supply of the board",
      connector: connectors.usb_feed,
      fuse: feedFuses.usb,
      branches: [board.ports.map(({ number }) => number)],
      supply: { maker: "Mean Well", part: "RS-35-5", rated_a: 7, volts: supplyClasses.five.nominal_v },
      own: {
        ampere: 0.5,
        fuse: feedFuses.own,
        source: "Estimate: both converters at 85 % and the loads of their rails",
      },
      sense: { shunt: shunts.usb_feed, range: senses.port },
    },
  ],
  regulators: managedUsbRegulators,
  crystals: managedUsbCrystals,
  bom: managedUsbBom,
};
