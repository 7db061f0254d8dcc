import { partPins } from "../catalogue/part-pins.ts";
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
  checkJoints(design, parts, new Set(ends.keys()), notes);
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
  for (const { name, supply } of design.feeds) {
    if (design.bom.some((line) => line.maker === supply.maker && line.part === supply.part)) continue;
    const message = `feed ${name} comes from it and it stands in no line of the bill of materials`;
    notes.fault(
      FindingCode.designatorUnknown,
      `${supply.maker} ${supply.part}`,
      message,
      "add it or name the supply that is bought",
    );
  }
  const bought = new Set(parts.values());
  const judged = [
    ...design.paths.flatMap((path) => [path.shunt, path.switch, path.connector, path.fuse]),
    ...design.feeds.flatMap((feed) => [feed.connector, feed.fuse, feed.own.fuse, feed.sense?.shunt ?? null]),
    ...design.regulators.flatMap((regulator) => [regulator, regulator.choke]),
    ...design.crystals,
    ...design.paths.flatMap(({ gate_drive }) => (gate_drive?.parts ?? []).map((part) => ({ part }))),
  ];
  for (const part of new Set(judged.flatMap((entry) => (entry === null ? [] : [entry.part])))) {
    if (bought.has(part)) continue;
    const message = "is judged as a part of channels or feeds and stands in no line of the bill of materials";
    notes.fault(FindingCode.designatorUnknown, part, message, "add it or judge the part that is bought");
  }
}

/** Every pin of every part is on a net or left open on purpose, no net names a pin that its part lacks, and no net is one end alone. */
function checkJoints(design: BoardDesign, parts: Map<string, string>, joined: Set<string>, notes: Notes): void {
  const unlisted = new Set<string>();
  let pins = 0;
  const open = new Set(
    design.bom.flatMap((line) =>
      (line.open ?? []).flatMap((pin) =>
        pin.includes(".") ? [pin] : designatorsOf(line.designators).map((designator) => `${designator}.${pin}`),
      ),
    ),
  );
  for (const [designator, part] of parts) {
    const has = partPins[part];
    if (has === undefined) {
      if (!unlisted.has(part)) {
        const message = "no list says which pins it has";
        notes.fault(FindingCode.pinsUnlisted, part, message, "add its pins to hardware/src/catalogue/part-pins.ts");
      }
      unlisted.add(part);
      continue;
    }
    pins += has.length;
    const missing = has.filter((pin) => !joined.has(`${designator}.${pin}`) && !open.has(`${designator}.${pin}`));
    if (missing.length > 0) {
      const message = `${part} has ${missing.join(", ")} on no net`;
      notes.fault(FindingCode.pinOpen, designator, message, "wire them, or name them in the line's open pins");
    }
    const odd = [...joined].filter((end) => end.startsWith(`${designator}.`) && !knows(has, end));
    if (odd.length > 0) {
      const message = `${part} has no such pin, it has ${has.join(", ")}`;
      notes.fault(FindingCode.pinUnknown, odd.join(", "), message, "correct the wire or the part's pins");
    }
  }
  for (const { net, ends } of design.wires) {
    if (ends.length > 1) continue;
    const message = `goes from ${ends[0] ?? "nowhere"} to nothing`;
    notes.fault(FindingCode.wireSingle, `net ${net}`, message, "add its other end, or leave the pin open");
  }
  notes.figure("pins of all parts", `${pins}`, "on a net or left open on purpose");
}

/** Pins of the controller that are GPIO have a check of their own, and only those in use are wired. */
function knows(pins: readonly string[], end: string): boolean {
  const pin = end.slice(end.indexOf(".") + 1);
  return pins.includes(pin) || (pins === partPins.SC0915 && /^GP\d+$/.test(pin));
}
