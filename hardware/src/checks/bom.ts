import type { BoardDesign } from "../designs/types.ts";
import { FindingCode, Notes, type Report } from "./finding.ts";

/** Designators of a line of the bill of materials: `R1-R3, R7` is R1, R2, R3, R7. */
export function designatorsOf(text: string): string[] {
  return text.split(", ").flatMap((item) => {
    const range = /^([A-Z]+)(\d+)-\1(\d+)$/.exec(item);
    if (range === null) return [item];
    const [first, last] = [Number(range[2]), Number(range[3])];
    return Array.from({ length: last - first + 1 }, (_, n) => `${range[1]}${first + n}`);
  });
}

/** What is bought is what is wired: every designator once, in the right number, and every wire between parts that exist. */
export function checkBom(design: BoardDesign): Report {
  const notes = new Notes(design, "parts");
  const parts = new Map<string, string>();
  for (const { designators, quantity, part } of design.bom) {
    const all = designatorsOf(designators);
    if (all.length !== quantity) {
      const message = `${designators} are ${all.length} places, ${quantity} parts are bought`;
      notes.fault(FindingCode.quantity, part, message, `buy ${all.length}, or name the places that are filled`);
    }
    for (const designator of all) {
      const other = parts.get(designator);
      if (other !== undefined) {
        const message = `stands for ${other} and for ${part}`;
        notes.fault(FindingCode.designatorTwice, designator, message, "number one of them anew");
      } else parts.set(designator, part);
    }
  }
  const ends = new Map<string, string>();
  for (const { net, ends: all } of design.wires) {
    for (const end of all) {
      const [designator = ""] = end.split(".");
      if (!parts.has(designator)) {
        const message = `net ${net} ends at ${end}, which the bill of materials does not have`;
        notes.fault(FindingCode.designatorUnknown, designator, message, "add the part or correct the wire");
      }
      const other = ends.get(end);
      if (other !== undefined && other !== net) {
        const message = `is on net ${other} and on net ${net}`;
        notes.fault(FindingCode.wireTwice, end, message, "a pin is on one net: take one of the wires away");
      }
      ends.set(end, net);
    }
  }
  checkNamed(design, parts, notes);
  notes.figure("designators with a part", `${parts.size}`, `${design.wires.length} nets`);
  return notes;
}

/** Parts that the other checks judge stand in the bill of materials under the same number. */
function checkNamed(design: BoardDesign, parts: Map<string, string>, notes: Notes): void {
  for (const { devices } of design.buses) {
    for (const { designator, part } of devices) {
      const bought = parts.get(designator);
      if (bought?.startsWith(part.part) === true) continue;
      const message = `is ${part.part} on its bus and ${bought ?? "nothing"} in the bill of materials`;
      notes.fault(FindingCode.designatorUnknown, designator, message, "make them agree");
    }
  }
  const bought = new Set(parts.values());
  const judged = [
    ...design.paths.flatMap((path) => [path.shunt, path.switch, path.connector, path.fuse]),
    ...design.feeds.flatMap((feed) => [feed.connector, feed.fuse, feed.sense?.shunt ?? null]),
  ];
  for (const part of new Set(judged.flatMap((entry) => (entry === null ? [] : [entry.part])))) {
    if (bought.has(part)) continue;
    const message = "is judged as a part of channels or feeds and stands in no line of the bill of materials";
    notes.fault(FindingCode.designatorUnknown, part, message, "add it or judge the part that is bought");
  }
}
