import { describe, expect, it } from "vitest";
import { designs } from "../pages/index.ts";
import { checkBuses } from "../src/checks/buses.ts";
import { FindingCode } from "../src/checks/finding.ts";
import { checkBoard } from "../src/checks/index.ts";
import { checkPins } from "../src/checks/pins.ts";
import { managedUsbDesign } from "../src/designs/managed-usb.ts";
import { monitoringDesign, monitoringDesign12 } from "../src/designs/monitoring.ts";
import type { GateDrive } from "../src/designs/types.ts";
import { path } from "./breaking.ts";
import { busBreaks } from "./bus-breaks.ts";
import { gateBreaks } from "./gate-breaks.ts";
import { powerBreaks } from "./power-breaks.ts";
import { supplyBreaks } from "./supply-breaks.ts";
import { wiringBreaks } from "./wiring-breaks.ts";

const breaks = [...wiringBreaks, ...busBreaks, ...powerBreaks, ...gateBreaks, ...supplyBreaks];

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

describe("no single slip of a number passes", () => {
  it("a pin that moves to any other number clashes, because all 26 are in use", () => {
    for (const { name, pin } of monitoringDesign.pins) {
      for (let to = 0; to < 32; to += 1) {
        if (to === pin) continue;
        const pins = monitoringDesign.pins.map((use) => (use.name === name ? { ...use, pin: to } : use));
        expect(checkPins({ ...monitoringDesign, pins }).findings, `${name} on GP${to}`).not.toEqual([]);
      }
    }
  });

  it("a part's address passes only where the part can have it and no other part does", () => {
    for (const [b, at] of monitoringDesign.buses.entries()) {
      for (const [d, device] of at.devices.entries()) {
        for (let address = 0; address < 128; address += 1) {
          const devices = at.devices.map((entry, n) => (n === d ? { ...entry, address } : entry));
          const buses = monitoringDesign.buses.map((entry, n) => (n === b ? { ...entry, devices } : entry));
          const free = !at.devices.some((entry, n) => n !== d && entry.address === address);
          const passes = checkBuses({ ...monitoringDesign, buses }).findings.length === 0;
          expect(passes, `${device.designator} at ${address}`).toBe(free && device.part.addresses.includes(address));
        }
      }
    }
  });
});

describe("the other boards", () => {
  it("100 Ohm would not discharge a target of the 12 V class in time, nor bear a stuck switch", () => {
    const design = structuredClone(monitoringDesign12);
    path(design, 1).discharge = { part: "CRGP2512F100R", ohm: 100, rated_w: 1.5 };
    const codes = checkBoard(design).findings.map(({ code }) => code);
    expect(codes).toEqual([FindingCode.dischargeTime, FindingCode.dischargePower]);
  });

  it("the first gate network, 100 k to the sources and 91 k to the driver, did not drive the switch, nor open it in time", () => {
    for (const [design, drive_ohm, volts, opens, more] of [
      [monitoringDesign, 91_000, "2.44 to 2.87 V", "open 22 ms", []],
      [monitoringDesign12, 300_000, "2.82 to 3.28 V", "open 47.3 ms", [FindingCode.dischargeTime]],
    ] as const) {
      const broken = structuredClone(design);
      const network = {
        pull_ohm: null,
        diode_v: null,
        gate_source_ohm: 100_000,
        capacitor_nf: 33,
        capacitor_spread: 0.1,
      };
      for (const at of broken.paths) at.gate_parts = null;
      for (const at of broken.paths) at.gate_drive = { ...(at.gate_drive as GateDrive), ...network, drive_ohm };
      const { findings } = checkBoard(broken);
      expect(new Set(findings.map(({ code }) => code))).toEqual(
        new Set([FindingCode.switchOff, FindingCode.switchGate, ...more]),
      );
      expect(findings.find(({ subject }) => subject === "INA226")?.message).toContain(opens);
      const divided = findings.find(({ code }) => code === FindingCode.switchGate);
      expect(divided?.message).toContain(`the network gives ${volts}`);
    }
  });

  it("a resistor that goes to the gate instead of the driver's node is found in the nets alone", () => {
    const design = structuredClone(monitoringDesign);
    for (const wire of design.wires) {
      wire.ends = wire.ends.filter((end) => end !== "R88.2");
      if (wire.net === "GATE_2") wire.ends.push("R88.2");
    }
    expect(checkBoard(design).findings.map(({ code, message }) => [code, message])).toEqual([
      [FindingCode.gateWiring, "net GATE_2 is its gate and has R88.2 too"],
      [FindingCode.gateWiring, "net GATE_DRIVE_2 is its driver's node and lacks R88.2"],
    ]);
  });

  it("the USB board without the parts of a converter is found, part for part", () => {
    const design = structuredClone(managedUsbDesign);
    const without = (net: string): boolean => !/^(SWITCHING|CONVERTED|FEEDBACK)_1V2$/.test(net);
    design.wires = design.wires.filter(({ net }) => without(net));
    design.bom = design.bom.filter(({ designators }) => designators !== "L1-L2");
    const found = checkBoard(design).findings.filter(({ code }) => code === FindingCode.pinOpen);
    expect(found.map(({ subject, message }) => [subject, message])).toContainEqual([
      "U18",
      "TLV62569DBVR has SW, FB on no net",
    ]);
  });

  it("a USB port's slew and capacitance stay within what its switch limits to", () => {
    const design = structuredClone(managedUsbDesign);
    path(design, 2).slew_v_per_ms = 20;
    const [finding] = checkBoard(design).findings;
    expect(finding?.code).toBe(FindingCode.inrush);
    expect(finding?.message).toContain("150 uF at 20 V/ms draw 3 A for 0.275 ms, limits are 1.39 A for 10 ms");
  });

  it("a USB port's connector bears what its switch limits to", () => {
    const design = structuredClone(managedUsbDesign);
    path(design, 2).connector = { ...path(design, 2).connector, rated_a: 1.2 };
    const [finding] = checkBoard(design).findings;
    expect(finding?.code).toBe(FindingCode.connectorRating);
    expect(finding?.message).toContain("carries 1.39 A (hard_a)");
  });

  it("a data switch that is closed while the controller resets is found", () => {
    const design = structuredClone(managedUsbDesign);
    Object.assign(design.outputs.find(({ name }) => name === "usb2_3") ?? {}, { pull: "down" });
    expect(checkBoard(design).findings.map(({ code, subject }) => [code, subject])).toEqual([
      [FindingCode.outputPull, "line usb2_3"],
    ]);
  });
});
