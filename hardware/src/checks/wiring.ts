import type { BoardDesign, Wire } from "../designs/types.ts";
import { FindingCode, Notes, type Report } from "./finding.ts";
import { checkPins } from "./pins.ts";

/** Designator of the controller's module in every design. */
const CONTROLLER = "A1";

/** Every pin in use is on a net, every net's pin of the controller is in use, and every part of a bus hangs on both of its lines. */
export function checkWiring(design: BoardDesign): Report {
  const notes = new Notes(design, "wiring");
  const netOf = (pin: number): Wire | undefined =>
    design.wires.find(({ ends }) => ends.includes(`${CONTROLLER}.GP${pin}`));
  // Of pins that clash nobody knows which number was meant, and their own check says so.
  if (checkPins(design).findings.length === 0) checkEnds(design, netOf, notes);
  let joined = 0;
  for (const bus of design.buses) {
    for (const [line, pin] of [
      ["SDA", bus.sda],
      ["SCL", bus.scl],
    ] as const) {
      const wire = netOf(pin);
      const own = design.pins.some((use) => use.pin === pin && use.function === `${bus.name} ${line}`);
      // A bus on a pin that is not its own, or on no net, is told elsewhere.
      if (wire === undefined || !own) continue;
      for (const { designator, what } of bus.devices) {
        joined += 1;
        if (wire.ends.some((end) => end.startsWith(`${designator}.`))) continue;
        const message = `${what} is on ${bus.name}, and net ${wire.net} (${line}) does not reach it`;
        notes.fault(FindingCode.busWire, designator, message, `add its ${line} pin to ${wire.net}`);
      }
    }
  }
  notes.figure("joints of parts with their buses", `${joined}`, "each part on both lines");
  return notes;
}

function checkEnds(design: BoardDesign, netOf: (pin: number) => Wire | undefined, notes: Notes): void {
  for (const { pin, name } of design.pins) {
    if (netOf(pin) !== undefined) continue;
    notes.fault(FindingCode.pinUnwired, `GP${pin}`, `${name} is on no net`, `add ${CONTROLLER}.GP${pin} to a wire`);
  }
  for (const { net, ends } of design.wires) {
    for (const end of ends) {
      const pin = new RegExp(`^${CONTROLLER}\\.GP(\\d+)$`).exec(end)?.[1];
      if (pin === undefined || design.pins.some((use) => use.pin === Number(pin))) continue;
      const message = `net ${net} ends at it, and it is not in the list of pins`;
      notes.fault(FindingCode.pinUnwired, `GP${pin}`, message, "list the pin or correct the wire");
    }
  }
}
