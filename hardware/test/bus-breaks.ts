import { FindingCode } from "../src/checks/finding.ts";
import type { BoardDesign, BusDesign } from "../src/designs/types.ts";
import { type Broken, bus } from "./breaking.ts";

/** Clashes of buses, of what hangs on them, and of their pull-ups. */
export const busBreaks: Broken[] = [
  [
    "part of a bus that its lines do not reach",
    FindingCode.busWire,
    "U38",
    ["monitor of the rack's supply is on I2C1, and net PANEL_SCL does not reach its SCL", "add U38.SCL to PANEL_SCL"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "PANEL_SCL");
      if (wire !== undefined) wire.ends = wire.ends.filter((end) => end !== "U38.SCL");
      design.wires.find(({ net }) => net === "MONITOR_SCL")?.ends.push("U38.SCL");
    },
  ],
  [
    "part of a bus whose lines are swapped, with an address pin on one of them",
    FindingCode.busWire,
    "U3",
    [
      "net MONITOR_SDA does not reach its SDA, net MONITOR_SCL does not reach its SCL",
      "add U3.SDA to MONITOR_SDA, U3.SCL to MONITOR_SCL",
    ],
    (design) => {
      const swapped = new Map([
        ["U3.SDA", "U3.SCL"],
        ["U3.SCL", "U3.SDA"],
      ]);
      for (const wire of design.wires) wire.ends = wire.ends.map((end) => swapped.get(end) ?? end);
    },
  ],
  [
    "address clash",
    FindingCode.addressTwice,
    "U5 INA226",
    ["0x42 of I2C0 is U3 INA226's already", "0x44, 0x48"],
    (design) => {
      (bus(design, "I2C0").devices[4] as BusDesign["devices"][0]).address = 0x42;
    },
  ],
  [
    "address that the part cannot have",
    FindingCode.addressImpossible,
    "U30 TMP105",
    ["0x4a cannot be chosen", "0x48, 0x49"],
    (design) => {
      (bus(design, "I2C1").devices[0] as BusDesign["devices"][0]).address = 0x4a;
    },
  ],
  [
    "bus too fast for a part",
    FindingCode.busTooFast,
    "U32 PCF8574",
    ["I2C1 runs at 100 kHz, the part at 50 kHz"],
    (design) => {
      const display = bus(design, "I2C1").devices.find(({ designator }) => designator === "U32");
      if (display !== undefined) display.part = { ...display.part, max_hertz: 50_000 };
    },
  ],
  [
    "bus on pins of another",
    FindingCode.busPins,
    "I2C1",
    ["its SDA is GP8, which is monitor_sda (I2C0 SDA)"],
    (design) => {
      bus(design, "I2C1").sda = 8;
    },
  ],
  [
    "part for another voltage",
    FindingCode.busSupply,
    "U31 AT24C32E",
    ["I2C1 is at 3.3 V, the part wants 4.5 to 5.5 V", "level shifter"],
    (design) => {
      const device = bus(design, "I2C1").devices[1] as BusDesign["devices"][0];
      device.part = { ...device.part, supply_v: [4.5, 5.5] };
    },
  ],
  [
    "no pull-ups",
    FindingCode.pullUpMissing,
    "I2C0",
    ["no pull-ups are fitted", "fit 967 to 6001 Ohm"],
    (design) => {
      bus(design, "I2C0").pull_up_ohm = 0;
    },
  ],
  [
    "pull-ups too weak for the capacitance",
    FindingCode.pullUpRise,
    "I2C0",
    ["10000 Ohm and 59 pF", "500 ns, 300 ns are allowed at 400 kHz"],
    (design) => {
      bus(design, "I2C0").pull_up_ohm = 10_000;
    },
  ],
  [
    "pull-ups too strong for an output",
    FindingCode.pullUpSink,
    "I2C1",
    ["470 Ohm let 6.17 mA flow, an output sinks 3 mA"],
    (design) => {
      bus(design, "I2C1").pull_up_ohm = 470;
    },
  ],
  [
    "shared line without a pull-up",
    FindingCode.pullUpMissing,
    "line alert",
    ["8 open-drain outputs"],
    (design) => {
      (design.shared_lines[0] as BoardDesign["shared_lines"][0]).pull_up_ohm = 0;
    },
  ],
  [
    "shared line that never reads low",
    FindingCode.lineLevel,
    "line alert",
    ["leave 1.1 V", "Schottky"],
    (design) => {
      (design.shared_lines[0] as BoardDesign["shared_lines"][0]).diode_v = 0.7;
    },
  ],
];
