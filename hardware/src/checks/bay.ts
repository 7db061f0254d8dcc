import { type BayWiring, largest_w, pathOf, type RackDesign } from "../designs/rack.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

/** Where a finding stands in the bay file: the path of keys and indices, so that a reader can name the line. */
export type BayPath = (string | number)[];

/** Targets of a bay against the channels of their racks: place, power, capacitance, and the sum against the feed. */
export function checkBay(bay: BayWiring, design: RackDesign): Report & { paths: BayPath[] } {
  const notes = new Notes({ name: bay.bay }, "bay");
  const paths: BayPath[] = [];
  for (const [r, rack] of bay.racks.entries()) {
    const places = new Map<number, string>();
    let sum_a = 0;
    for (const [t, { target, channel, load }] of rack.targets.entries()) {
      const at = ["racks", r, "targets", t];
      const subject = `${rack.rack}, ${target}`;
      const path = pathOf(design.board, channel);
      if (path === undefined) {
        paths.push([...at, "channel"]);
        const message = `channel ${channel} does not exist on ${rack.board.name}, a ${design.board.name} board`;
        notes.fault(FindingCode.bayChannel, subject, message, `use 1 to ${design.places}`);
        continue;
      }
      const other = places.get(channel);
      if (other !== undefined) {
        paths.push([...at, "channel"]);
        const message = `channel ${channel} (${path.connector_name}) is ${other}'s already`;
        notes.fault(FindingCode.bayChannel, subject, message, "plug it into a free channel");
      }
      places.set(channel, target);
      if (load === undefined) continue;
      const ampere = largest_w(load) / path.supply.nominal_v;
      sum_a += ampere;
      notes.figure(`${subject} on ${path.connector_name}`, `${digits(ampere)} A`, `${path.limits.rated_a} A`);
      if (ampere > path.limits.rated_a) {
        paths.push([...at, "load"]);
        const message = `draws ${digits(ampere)} A at ${path.supply.nominal_v} V, ${path.connector_name} carries ${path.limits.rated_a} A`;
        notes.fault(FindingCode.bayLoad, subject, message, "lower the load or feed it from the 12 V class");
      }
      if ((load.capacitance_uf ?? 0) > path.load_uf) {
        paths.push([...at, "load", "capacitance_uf"]);
        const message = `has ${load.capacitance_uf} uF, inrush and discharge of ${path.connector_name} are built for ${path.load_uf} uF`;
        notes.fault(FindingCode.bayCapacitance, subject, message, "lower the capacitance");
      }
    }
    const feed = design.board.feeds[0];
    if (feed === undefined) continue;
    notes.figure(
      `${rack.rack}, all targets busy`,
      `${digits(sum_a)} A`,
      `${feed.supply.rated_a} A of ${feed.supply.part}`,
    );
    if (sum_a > feed.supply.rated_a) {
      paths.push(["racks", r, "targets"]);
      const message = `its targets draw ${digits(sum_a)} A together, ${feed.supply.part} gives ${feed.supply.rated_a} A`;
      notes.fault(FindingCode.bayFeed, rack.rack, message, "move targets to another rack");
    }
  }
  return { findings: notes.findings, figures: notes.figures, paths };
}
