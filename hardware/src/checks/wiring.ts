import type { BoardDesign, Wire } from "../designs/types.ts";
import { FindingCode, Notes, type Report } from "./finding.ts";
import { checkPins } from "./pins.ts";

/** Designator of the controller's module in every design. */
const CONTROLLER = "A1";

/**
 * Every pin in use is on a net, every net's pin of the controller is in use, and every part of a bus hangs on each of its lines
 * with the pin of that name.
 */
export function checkWiring(design: BoardDesign): Report {
  const notes = new Notes(design, "wiring");
  const netOf = (pin: number): Wire | undefined =>
    design.wires.find(({ ends }) => ends.includes(`${CONTROLLER}.GP${pin}`));
  // Of pins that clash nobody knows which number was meant, and their own check says so.
  if (checkPins(design).findings.length === 0) checkEnds(design, netOf, notes);
  let joined = 0;
  for (const bus of design.buses) {
    const lines = (["SDA", "SCL"] as const).flatMap((line) => {
      const pin = line === "SDA" ? bus.sda : bus.scl;
      const wire = netOf(pin);
      const own = design.pins.some((use) => use.pin === pin && use.function === `${bus.name} ${line}`);
      // A bus on a pin that is not its own, or on no net, is told elsewhere.
      return wire === undefined || !own ? [] : [{ line, wire }];
    });
    for (const { designator, what, part } of bus.devices) {
      joined += lines.length;
      // An address pin may hang on the same line: only the pin of that name makes the joint.
      const missing = lines
        .map(({ line, wire }) => ({ pin: part.lines?.[line] ?? line, wire }))
        .filter(({ pin, wire }) => !wire.ends.includes(`${designator}.${pin}`));
      if (missing.length === 0) continue;
      const nets = missing.map(({ pin, wire }) => `net ${wire.net} does not reach its ${pin}`).join(", ");
      const mend = missing.map(({ pin, wire }) => `${designator}.${pin} to ${wire.net}`).join(", ");
      notes.fault(FindingCode.busWire, designator, `${what} is on ${bus.name}, and ${nets}`, `add ${mend}`);
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
