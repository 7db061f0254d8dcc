import { type BayWiring, largest_w, pathOf, type RackDesign } from "../designs/rack.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

/** Kinds of a rack's board: one of ours, and electronics of somebody else, which this data says nothing of. */
const OURS = "monitoring";
const FOREIGN = "foreign";

/** What a load says: each a number from 0 on, in its unit. */
const LOAD = {
  idle_w: { unit: "W", needed: true },
  cpu_w: { unit: "W", needed: true },
  boot_w: { unit: "W", needed: false },
  capacitance_uf: { unit: "uF", needed: false },
} as const;

/** What is wrong with a load, by its field; nothing where it can be judged. A file gives values of any type. */
function oddLoad(load: object): { field: string; message: string } | undefined {
  for (const [field, { unit, needed }] of Object.entries(LOAD)) {
    const value: unknown = (load as Record<string, unknown>)[field];
    if (value === undefined && !needed) continue;
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) continue;
    const said = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
    return { field, message: `load.${field} ${said}, a number of ${unit} from 0 on is wanted` };
  }
  return undefined;
}

/** Where a finding stands in the bay file: the path of keys and indices, so that a reader can name the line. */
export type BayPath = (string | number)[];

/** Targets of a bay against the channels of their racks: place, power, capacitance, and the sum against the feed. */
export function checkBay(bay: BayWiring, design: RackDesign): Report & { paths: BayPath[] } {
  const notes = new Notes({ name: bay.bay }, "bay");
  const paths: BayPath[] = [];
  for (const [r, rack] of bay.racks.entries()) {
    const places = new Map<number, string>();
    let sum_a = 0;
    if (rack.board.kind === FOREIGN) continue;
    if (rack.board.kind !== OURS) {
      paths.push(["racks", r, "board", "kind"]);
      const message = `${rack.board.name} is a ${JSON.stringify(rack.board.kind)} board, which no rack is built with`;
      notes.fault(
        FindingCode.bayValue,
        rack.rack,
        message,
        `say kind: ${OURS}, or ${FOREIGN} for electronics not ours`,
      );
      continue;
    }
    for (const [t, { target, channel, load }] of rack.targets.entries()) {
      const at = ["racks", r, "targets", t];
      const subject = `${rack.rack}, ${target}`;
      const path = pathOf(design.board, channel);
      if (path === undefined) {
        paths.push([...at, "channel"]);
        const message = `channel ${JSON.stringify(channel)} does not exist on ${rack.board.name}, a ${design.board.name} board`;
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
      if (typeof load !== "object" || load === null) {
        paths.push([...at, "load"]);
        const message = `load is ${JSON.stringify(load)}, idle_w and cpu_w are wanted`;
        notes.fault(FindingCode.bayValue, subject, message, "say for example load: { idle_w: 1.2, cpu_w: 4.5 }");
        continue;
      }
      const odd = oddLoad(load);
      if (odd !== undefined) {
        paths.push([...at, "load", odd.field]);
        notes.fault(FindingCode.bayValue, subject, odd.message, "correct it, or leave the load out");
        continue;
      }
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
    const name = `${feed.supply.maker} ${feed.supply.part}`;
    const all_a = sum_a + feed.own.ampere;
    notes.figure(
      `${rack.rack}, all targets busy`,
      `${digits(all_a)} A with the board`,
      `${feed.supply.rated_a} A of ${name}`,
    );
    if (all_a > feed.supply.rated_a) {
      paths.push(["racks", r, "targets"]);
      const message = `its targets and the board draw ${digits(all_a)} A together, ${name} gives ${feed.supply.rated_a} A`;
      notes.fault(FindingCode.bayFeed, rack.rack, message, "move targets to another rack");
    }
  }
  return { findings: notes.findings, figures: notes.figures, paths };
}
