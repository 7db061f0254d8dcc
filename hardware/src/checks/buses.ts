import { rp2040Pin } from "../controllers/rp2040.ts";
import type { BoardDesign, BusDesign } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

const hex = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;
/** Reserved by the I2C specification (NXP UM10204 rev. 7, table 4): 0000 xxx and 1111 xxx. */
const reserved = (address: number): boolean => address < 0x08 || address > 0x77;

/** Every part of a bus answers at an address of its own, one that it can have, at the bus's speed and voltage. */
export function checkBuses(design: BoardDesign): Report {
  const notes = new Notes(design, "buses");
  for (const bus of design.buses) {
    for (const [pin, line] of [
      [bus.sda, "SDA"],
      [bus.scl, "SCL"],
    ] as const) {
      const use = design.pins.find((entry) => entry.pin === pin);
      if (use?.function === `${bus.name} ${line}`) continue;
      const message = `its ${line} is GP${pin}, which is ${use === undefined ? "free" : `${use.name} (${use.function})`}`;
      notes.fault(FindingCode.busPins, bus.name, message, `give that pin the function ${bus.name} ${line}`);
    }
    checkDevices(bus, notes);
    checkPullUps(bus, notes);
  }
  for (const line of design.shared_lines) {
    const use = design.pins.find((entry) => entry.pin === line.pin);
    if (use?.direction !== "in") {
      const message = `GP${line.pin} is ${use === undefined ? "free" : `${use.name}, not an input`}`;
      notes.fault(FindingCode.busPins, `line ${line.name}`, message, "use an input pin");
    }
    const low_v = line.source_low_v + line.diode_v;
    notes.figure(`low level of line ${line.name}`, `${digits(low_v)} V`, `${rp2040Pin.low_max_v} V at the pin`);
    if (line.pull_up_ohm <= 0) {
      const message = `${line.sources} open-drain outputs share it and no pull-up is fitted`;
      notes.fault(FindingCode.pullUpMissing, `line ${line.name}`, message, "fit 10 kOhm to 3.3 V");
    } else if (low_v > rp2040Pin.low_max_v) {
      const message = `output and diode leave ${digits(low_v)} V, a pin reads low below ${rp2040Pin.low_max_v} V`;
      notes.fault(FindingCode.lineLevel, `line ${line.name}`, message, "take a Schottky diode or a weaker pull-up");
    }
  }
  return notes;
}

function checkDevices(bus: BusDesign, notes: Notes): void {
  const byAddress = new Map<number, string>();
  for (const { designator, part, address } of bus.devices) {
    const subject = `${designator} ${part.part}`;
    const other = byAddress.get(address);
    if (other !== undefined) {
      const free = part.addresses.filter((at) => !bus.devices.some((device) => device.address === at)).map(hex);
      const mend = free.length === 0 ? "put it on another bus" : `strap it to a free address: ${free.join(", ")}`;
      notes.fault(
        FindingCode.addressTwice,
        subject,
        `address ${hex(address)} of ${bus.name} is ${other}'s already`,
        mend,
      );
    }
    byAddress.set(address, subject);
    if (!part.addresses.includes(address) || reserved(address)) {
      const why = reserved(address) ? "is reserved on any bus" : "cannot be chosen with its pins";
      const mend = `choose one of ${part.addresses.map(hex).join(", ")}`;
      notes.fault(FindingCode.addressImpossible, subject, `address ${hex(address)} ${why}`, mend);
    }
    if (bus.hertz > part.max_hertz) {
      const message = `${bus.name} runs at ${bus.hertz / 1000} kHz, the part at ${part.max_hertz / 1000} kHz at most`;
      notes.fault(FindingCode.busTooFast, subject, message, "put it on a slower bus or slow this one down");
    }
    if (bus.supply_v < part.supply_v[0] || bus.supply_v > part.supply_v[1]) {
      const message = `${bus.name} is at ${bus.supply_v} V, the part wants ${part.supply_v.join(" to ")} V`;
      notes.fault(FindingCode.busSupply, subject, message, "put a level shifter between them or take another part");
    }
  }
}

/** Capacitance of a line beside a plane, and of a ribbon cable: the usual picofarads a centimetre. */
const TRACE_PF_PER_MM = 0.1;
const CABLE_PF_PER_MM = 0.1;
/** UM10204 rev. 7, table 10: rise from 30 to 70 % and sink current of an output at 0.4 V. */
const RISE_NS = { standard: 1000, fast: 300 };
const SINK_A = 0.003;
const SINK_V = 0.4;
/** ln(0.7 / 0.3): the share of R x C that a rise from 30 to 70 % takes (UM10204 rev. 7, 7.1). */
const RISE = Math.log(0.7 / 0.3);

/** Capacitance of one line of a bus, in picofarads: controller, parts, trace and cable. */
export function busCapacitance_pf(bus: BusDesign): number {
  const parts = bus.devices.reduce<number>((sum, { part }) => sum + part.pin_pf, rp2040Pin.capacitance_pf);
  return parts + bus.trace_mm * TRACE_PF_PER_MM + bus.cable_mm * CABLE_PF_PER_MM;
}

function checkPullUps(bus: BusDesign, notes: Notes): void {
  const pf = busCapacitance_pf(bus);
  const limit_ns = bus.hertz > 100_000 ? RISE_NS.fast : RISE_NS.standard;
  const least = (bus.supply_v - SINK_V) / SINK_A;
  const most = (limit_ns * 1e-9) / RISE / (pf * 1e-12);
  const fit = `fit ${Math.ceil(least)} to ${Math.floor(most)} Ohm`;
  if (bus.pull_up_ohm <= 0) {
    notes.fault(FindingCode.pullUpMissing, bus.name, "no pull-ups are fitted", fit);
    return;
  }
  const rise_ns = RISE * bus.pull_up_ohm * pf * 1e-3;
  notes.figure(
    `${bus.name}, rise with ${bus.pull_up_ohm} Ohm and ${digits(pf)} pF`,
    `${digits(rise_ns)} ns`,
    `${limit_ns} ns`,
  );
  if (rise_ns > limit_ns) {
    const message = `with ${bus.pull_up_ohm} Ohm and ${digits(pf)} pF it rises in ${digits(rise_ns)} ns, ${limit_ns} ns are allowed at ${bus.hertz / 1000} kHz`;
    notes.fault(FindingCode.pullUpRise, bus.name, message, fit);
  }
  if (bus.pull_up_ohm < least) {
    const message = `${bus.pull_up_ohm} Ohm let ${digits((bus.supply_v - SINK_V) / bus.pull_up_ohm / 0.001)} mA flow, an output sinks 3 mA`;
    notes.fault(FindingCode.pullUpSink, bus.name, message, fit);
  }
}
