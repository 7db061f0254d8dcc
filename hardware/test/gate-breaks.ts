import { FindingCode } from "../src/checks/finding.ts";
import type { BoardDesign, GateDrive, GateParts } from "../src/designs/types.ts";
import { type Broken, buys, limits, path, takeOut } from "./breaking.ts";

function gateDrive(design: BoardDesign, channel: number, change: Partial<GateDrive>, parts?: Partial<GateParts>): void {
  const at = path(design, channel);
  at.gate_drive = { ...(at.gate_drive as GateDrive), ...change };
  at.gate_parts = { ...(at.gate_parts as GateParts), ...parts };
}

/** Clashes of the networks at the switches' gates. */
export const gateBreaks: Broken[] = [
  [
    "switch that the rail does not open fully",
    FindingCode.switchGate,
    "channel 5",
    ["wants 10 to 20 V at its gate, the network gives 4.62 to 5.44 V at a rail of 4.75 to 5.5 V"],
    (design) => {
      path(design, 5).switch = { ...path(design, 5).switch, gate_v: [10, 20] };
    },
  ],
  [
    "resistor from gate to sources that divides the drive",
    FindingCode.switchGate,
    "channel 5",
    ["wants 4.5 to 20 V at its gate, the network gives 3.56 to 4.18 V"],
    (design) => {
      gateDrive(design, 5, { gate_source_ohm: 1_000_000 }, { gate_source: "X1" });
      buys(design, "RC0603FR-07910KL");
      design.wires.find(({ net }) => net === "SOURCES_5")?.ends.push("X1.1");
      design.wires.find(({ net }) => net === "GATE_5")?.ends.push("X1.2");
    },
  ],
  [
    "gate with a resistor that nobody reckons with",
    FindingCode.gateWiring,
    "channel 5",
    ["net GATE_5 is its gate and has X1.1 too"],
    (design) => {
      buys(design, "RC0603FR-07910KL");
      design.wires.find(({ net }) => net === "GATE_5")?.ends.push("X1.1");
    },
  ],
  [
    "gate network with a resistor that no part is",
    FindingCode.gateWiring,
    "channel 5",
    ["its gate network has a resistor from gate to sources, which no part is"],
    (design) => gateDrive(design, 5, { gate_source_ohm: 100_000_000 }),
  ],
  [
    "gate that nothing is said of",
    FindingCode.switchGate,
    "channel 5",
    ["nothing is said of what drives the gate of IRF9310TRPBF"],
    (design) => {
      path(design, 5).gate_drive = null;
    },
  ],
  [
    "slew that is not the one of the limits",
    FindingCode.switchSlew,
    "channel 5",
    ["gives 1.93 V/ms (1.32 to 2.81), limits and simulated rails take 1 V/ms", "fit about 294 kOhm"],
    (design) => gateDrive(design, 5, { drive_ohm: 152_000 }),
  ],
  [
    "switch that closes after the inrush is over",
    FindingCode.switchOn,
    "channel 5",
    ["the output is up 12 ms after the driver's edge; inrush_ms is 10 ms"],
    (design) => limits(design, 5, { inrush_ms: 10 }),
  ],
  [
    "switch that opens through its slow resistor",
    FindingCode.switchOff,
    "INA226",
    ["the slowest switch is open 27.3 ms after an alert that takes up to 1.09 ms, the hard limit is 2 ms"],
    (design) => {
      gateDrive(design, 5, { diode_v: null }, { diode: null });
      takeOut(design, "D23");
    },
  ],
  [
    "switch that nothing opens",
    FindingCode.switchOff,
    "channel 5",
    ["its switch is open never", "less resistance"],
    (design) => {
      gateDrive(design, 5, { pull_ohm: null }, { pull: null });
      takeOut(design, "R91");
    },
  ],
  [
    "inrush beyond its limit",
    FindingCode.inrush,
    "channel 7",
    ["2200 uF at the fastest slew of 1.43 V/ms draw 3.14 A, inrush_a is 3 A"],
    (design) => limits(design, 7, { inrush_a: 3 }),
  ],
];
