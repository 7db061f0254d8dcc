import { describe, expect, it } from "vitest";
import { designs } from "../../pages/index.ts";
import { managedUsbDesign } from "../designs/managed-usb.ts";
import { monitoringDesign, monitoringDesign12 } from "../designs/monitoring.ts";
import type { BoardDesign, BusDesign, OutputGate, PowerPath } from "../designs/types.ts";
import { FindingCode } from "./finding.ts";
import { checkBoard } from "./index.ts";

type Break = (design: BoardDesign) => void;

const path = (design: BoardDesign, channel: number): PowerPath =>
  design.paths.find((entry) => entry.channel === channel) as PowerPath;
const bus = (design: BoardDesign, name: string): BusDesign =>
  design.buses.find((entry) => entry.name === name) as BusDesign;
const gate = (design: BoardDesign): OutputGate => design.gate as OutputGate;
const fuse = (design: BoardDesign, channel: number) => path(design, channel).fuse as NonNullable<PowerPath["fuse"]>;

/** One channel alone gets other limits: channels share the board's. */
function limits(design: BoardDesign, channel: number, change: Partial<PowerPath["limits"]>): void {
  const at = path(design, channel);
  at.limits = { ...at.limits, ...change };
}

const usePin: (name: string, change: Partial<BoardDesign["pins"][0]>) => Break = (name, change) => (design) => {
  design.pins = design.pins.map((use) => (use.name === name ? { ...use, ...change } : use));
};

/** What is broken, the code that it must give, words of the message: part or pin or channel, clash, mend. */
const breaks: [title: string, code: FindingCode, subject: string, words: string[], change: Break][] = [
  [
    "pin used twice",
    FindingCode.pinTwice,
    "GP17",
    ["button_up and marker_8", "free pin"],
    usePin("marker_8", { pin: 17 }),
  ],
  [
    "pin without a pad",
    FindingCode.pinMissing,
    "GP25",
    ["marker_8", "the module's LED"],
    usePin("marker_8", { pin: 25 }),
  ],
  [
    "pin that cannot do its function",
    FindingCode.pinFunction,
    "GP12",
    ["converter_rx needs SPI0 RX", "GP0 or GP4 or GP16 or GP20"],
    usePin("converter_rx", { function: "SPI0 RX" }),
  ],
  [
    "two pins of one name",
    FindingCode.nameTwice,
    "alert",
    ["GP19 and GP22"],
    usePin("button_select", { name: "alert" }),
  ],
  [
    "bit of the chain used twice",
    FindingCode.bitTwice,
    "bit 3 of the chain",
    ["strap_8 and switch_4", "free bit"],
    (design) => {
      const line = design.outputs.find(({ name }) => name === "strap_8");
      if (line !== undefined) line.driver = { bit: 3 };
    },
  ],
  [
    "bit of the chain without a line",
    FindingCode.bitMissing,
    "bit 12 of the chain",
    ["no line uses it"],
    (design) => {
      design.outputs = design.outputs.filter(({ name }) => name !== "discharge_5");
    },
  ],
  [
    "wire to a part that nobody buys",
    FindingCode.designatorUnknown,
    "Q99",
    ["net CLOSE_3 ends at Q99.G"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "CLOSE_3");
      if (wire !== undefined) wire.ends = ["U28.3Y", "Q99.G"];
    },
  ],
  [
    "part on a bus that another line of the bill has",
    FindingCode.designatorUnknown,
    "U30",
    ["is TMP105 on its bus and TMP75AIDR in the bill of materials"],
    (design) => {
      design.bom = design.bom.map((line) => (line.part === "TMP105YZCT" ? { ...line, part: "TMP75AIDR" } : line));
    },
  ],
  [
    "part that is judged and another that is bought",
    FindingCode.designatorUnknown,
    "0452004.MRL",
    ["judged as a part of the channels"],
    (design) => {
      design.bom = design.bom.map((line) => (line.part === "0452004.MRL" ? { ...line, part: "0452005.MRL" } : line));
    },
  ],
  [
    "designator of two parts",
    FindingCode.designatorTwice,
    "U31",
    ["stands for AT24C32E-SSHM-T and for PCF8574T/3,518"],
    (design) => {
      design.bom = design.bom.map((line) =>
        line.designators === "U32" ? { ...line, designators: "U31-U32", quantity: 2 } : line,
      );
    },
  ],
  [
    "quantity that is not the places",
    FindingCode.quantity,
    "INA226AIDGSR",
    ["U1-U8 are 8 places, 7 parts are bought"],
    (design) => {
      design.bom = design.bom.map((line) => (line.designators === "U1-U8" ? { ...line, quantity: 7 } : line));
    },
  ],
  [
    "pin on two nets",
    FindingCode.wireTwice,
    "U20.QA",
    ["is on net SWITCH_1 and on net SWITCH_2"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "SWITCH_2");
      if (wire !== undefined) wire.ends = ["U20.QA", ...wire.ends.slice(1)];
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
    ["I2C1 runs at 400 kHz, the part at 100 kHz"],
    (design) => {
      bus(design, "I2C1").hertz = 400_000;
      bus(design, "I2C1").pull_up_ohm = 2200;
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
  [
    "shunt beyond what is read",
    FindingCode.shuntRange,
    "channel 3",
    ["INA240A1 and ADS131M08 with 20 mOhm is at its full scale at 3 A, below hard_a of 3.2 A", "18.8 mOhm"],
    (design) => limits(design, 3, { hard_a: 3.2 }),
  ],
  [
    "shunt too small for its heat",
    FindingCode.shuntPower,
    "channel 4",
    ["WSL2512R0200FEA turns 0.157 W into heat at 2.8 A", "0.125 W"],
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
    "connector below the limit",
    FindingCode.connectorRating,
    "channel 2",
    ["J2 B2P-VH is rated 7 A and 5 V, the channel carries 2.8 A (rated_a) at up to 5.5 V", "stronger connector"],
    (design) => {
      path(design, 2).connector = { ...path(design, 2).connector, max_v: 5 };
    },
  ],
  [
    "fuse that blows in use",
    FindingCode.fuseRating,
    "channel 2",
    ["0452004.MRL carries 2.25 A for ever", "at least 3.73 A"],
    (design) => {
      path(design, 2).fuse = { ...fuse(design, 2), rated_a: 3 };
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
    "feed below the sum of its channels",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    ["8 channels draw 22.4 A", "carry 20 A"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, supply: { ...feed.supply, rated_a: 20 } };
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
    "switch that the rail does not open fully",
    FindingCode.switchGate,
    "channel 5",
    ["wants 10 to 20 V at its gate, the rail gives 4.75 to 5.5 V"],
    (design) => {
      path(design, 5).switch = { ...path(design, 5).switch, gate_v: [10, 20] };
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
    "inrush beyond its limit",
    FindingCode.inrush,
    "channel 7",
    ["2200 uF at 2 V/ms draw 4.4 A for 2.75 ms, limits are 4 A for 20 ms"],
    (design) => {
      path(design, 7).slew_v_per_ms = 2;
    },
  ],
  [
    "discharge too slow for the proof of off",
    FindingCode.dischargeTime,
    "channel 7",
    ["100 Ohm take 2200 uF from 5.5 V below 0.25 V in 680 ms", "at most 67.6 Ohm"],
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
    ["the junction of IRF9310TRPBF comes to 155 C at 2.8 A in air of 45 C, 125 C are allowed"],
    (design) => {
      path(design, 1).switch = { ...path(design, 1).switch, on_ohm: 0.2 };
    },
  ],
  [
    "trace too hot",
    FindingCode.hot,
    "channel 1",
    ["its trace of 0.5 mm gets 44.8 K warmer"],
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

describe("the boards as they are", () => {
  for (const design of designs) {
    it(`${design.name} has no clash`, () => {
      expect(checkBoard(design).findings).toEqual([]);
      expect(checkBoard(design).figures.length).toBeGreaterThan(30);
    });
  }
});

describe("a clash is found, alone, and named with its mend", () => {
  for (const [title, code, subject, words, change] of breaks) {
    it(title, () => {
      const design = structuredClone(monitoringDesign);
      change(design);
      const { findings } = checkBoard(design);
      expect(findings.map((finding) => [finding.code, finding.subject])).toEqual([[code, subject]]);
      const said = `${findings[0]?.message}; ${findings[0]?.mend}`;
      for (const word of words) expect(said).toContain(word);
    });
  }

  it("every kind of finding about a board is among them", () => {
    const tried = new Set(breaks.map(([, code]) => code));
    const ofBays = (code: number): boolean => code >= 700;
    expect(Object.values(FindingCode).filter((code) => !tried.has(code) && !ofBays(code))).toEqual([]);
  });
});

describe("the other boards", () => {
  it("100 Ohm would not discharge a target of the 12 V class in time, nor bear a stuck switch", () => {
    const design = structuredClone(monitoringDesign12);
    path(design, 1).discharge = { part: "CRGP2512F100R", ohm: 100, rated_w: 1.5 };
    const codes = checkBoard(design).findings.map(({ code }) => code);
    expect(codes).toEqual([FindingCode.dischargeTime, FindingCode.dischargePower]);
  });

  it("a USB port's connector bears what its switch limits to", () => {
    const design = structuredClone(managedUsbDesign);
    path(design, 2).connector = { ...path(design, 2).connector, rated_a: 1.2 };
    const [finding] = checkBoard(design).findings;
    expect(finding?.code).toBe(FindingCode.connectorRating);
    expect(finding?.message).toContain("carries 1.38 A (hard_a)");
  });

  it("a data switch that is closed while the controller resets is found", () => {
    const design = structuredClone(managedUsbDesign);
    Object.assign(design.outputs.find(({ name }) => name === "usb2_3") ?? {}, { pull: "down" });
    expect(checkBoard(design).findings.map(({ code, subject }) => [code, subject])).toEqual([
      [FindingCode.outputPull, "line usb2_3"],
    ]);
  });
});
