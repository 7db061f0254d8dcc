import { checkBoard } from "../src/checks/index.ts";
import { picoPad } from "../src/controllers/pico.ts";
import type { BoardDesign, OutputDesign } from "../src/designs/types.ts";
import { hex, page, table } from "./markdown.ts";

const driver = (line: OutputDesign): string =>
  "bit" in line.driver
    ? `register ${(line.driver.bit >> 3) + 1}, Q${"ABCDEFGH"[line.driver.bit & 7]} (bit ${line.driver.bit})`
    : `GP${line.driver.pin}`;

function pinTable(design: BoardDesign): string {
  const pins = [...design.pins].sort((a, b) => a.pin - b.pin);
  const rows = pins.map(({ pin, name, function: wanted, use, direction }) => [
    `GP${pin}`,
    picoPad(pin)?.pad ?? "-",
    wanted === "SIO" ? `GPIO, ${direction}` : wanted,
    use,
    `\`PIN_${name.toUpperCase()}\``,
  ]);
  return table(["pin", "pad", "function", "wired to", "constant"], rows);
}

function busTable(design: BoardDesign): string {
  return design.buses
    .map((bus) => {
      const head = `**${bus.name}**, ${bus.hertz / 1000} kHz at ${bus.supply_v} V: SDA GP${bus.sda}, SCL GP${bus.scl}, pull-ups ${bus.pull_up_ohm} Ohm to 3.3 V.`;
      const rows = bus.devices.map(({ designator, part, address, what }) => [
        designator,
        part.part,
        hex(address),
        what,
      ]);
      return `${head}\n\n${table(["designator", "part", "address", "for"], rows)}`;
    })
    .join("\n\n");
}

function outputTable(design: BoardDesign): string {
  const rows = design.outputs.map((line) => [
    `\`${line.name}\``,
    line.channel ?? "-",
    driver(line),
    line.safe,
    line.pull === null ? "none" : `pull-${line.pull} ${line.pull_ohm / 1000} k`,
  ]);
  return table(["line", "channel", "driven by", "safe level", "held by"], rows);
}

function pathTable(design: BoardDesign): string {
  const rows = design.paths.map((path) => [
    path.channel,
    `${path.connector_name} (${path.connector.part})`,
    path.supply.name,
    path.fuse?.part ?? "the switch limits",
    path.switch.in_series > 1 ? `${path.switch.in_series} x ${path.switch.part}` : path.switch.part,
    `${path.shunt.ohm * 1000} mOhm`,
    path.discharge === null ? "-" : `${path.discharge.ohm} Ohm`,
    `${path.limits.rated_a} A`,
  ]);
  return table(["channel", "connector", "class", "fuse", "switch", "shunt", "discharge", "rated"], rows);
}

/** Figures of the checks: those of the first channel stand for all where all are alike. */
function figureTable(design: BoardDesign): string {
  const { figures } = checkBoard(design);
  const rows = figures
    .filter(({ subject }) => !/^channel (?!1\b)/.test(subject))
    .map(({ check, subject, value, limit }) => [check, subject, value, limit]);
  return table(["check", "what", "comes to", "limit"], rows);
}

function sources(design: BoardDesign): string {
  const facts = new Map<string, Set<string>>();
  const add = ({ part, source }: { part: string; source: string }): void => {
    facts.set(part, (facts.get(part) ?? new Set()).add(source));
  };
  for (const { devices } of design.buses) for (const device of devices) add(device.part);
  for (const path of design.paths) {
    for (const part of [path.shunt, path.switch, path.connector]) add(part);
    if (path.fuse !== null) add(path.fuse);
    for (const { range } of path.senses) add(range);
  }
  for (const { connector, fuse, sense } of design.feeds) {
    add(connector);
    add(fuse);
    if (sense !== null) add(sense.shunt);
  }
  const rows = [...facts].map(([part, said]) => [part, [...said].join("; ")]);
  return table(["part", "source of its figures"], rows);
}

function wireTable(design: BoardDesign): string {
  const rows = design.wires
    .filter(({ channel }) => channel === null || channel === 1)
    .map(({ net, ends, note }) => [net, ends.map((end) => `\`${end}\``).join(", "), note ?? ""]);
  return table(["net", "connects", "note"], rows);
}

/** What a board's page says beside its tables. */
export interface BoardText {
  intro: string;
  circuit: string;
  wires: string;
}

/** Page of a board: pin-out, wiring, power path, what the checks worked out. */
export function boardPage(design: BoardDesign, { intro, circuit, wires: wiresText }: BoardText): string {
  return page(
    `${design.title}, revision ${design.revision.toUpperCase()}`,
    intro,
    `**State:** ${design.copper}`,
    `Bill of materials: [${design.name}-bom.md](${design.name}-bom.md). Constants for programs: \`hardware/generated/${design.name}-pins.h\` and \`.ts\`.`,
    `## Pins\n\n![Pins of the ${design.title}](${design.name}-pinout.svg)`,
    pinTable(design),
    ...Object.entries(design.emulated_only).map(
      ([pin, why]) =>
        `GP${pin} has no pad on a Pico: ${why}, in the emulated chip and on boards with a bare RP2040 only.`,
    ),
    `## Buses\n\n${busTable(design)}`,
    `## Driven lines\n\n${circuit}\n\n${outputTable(design)}`,
    `## Wires\n\nDesignator and pin of every signal, as in the bill of materials. ${wiresText}`,
    wireTable(design),
    `## Power path\n\n${pathTable(design)}`,
    `## What the checks work out\n\n\`npm run -s hardware -- check\` at ${design.ambient_c} C; channel 1 stands for all.`,
    figureTable(design),
    `## Where the figures come from\n\n${sources(design)}`,
  );
}

/** Bill of materials of a board. */
export function bomPage(design: BoardDesign): string {
  const rows = design.bom.map(({ designators, quantity, part, maker, what, ratings }) => [
    designators,
    quantity,
    `\`${part}\``,
    maker,
    what,
    ratings,
  ]);
  const sum = design.bom.reduce((total, { quantity }) => total + quantity, 0);
  return page(
    `${design.title}: bill of materials`,
    `**State:** ${design.copper}`,
    `${design.bom.length} lines, ${sum} parts. Part numbers are the makers' own; prices and stock change and are not kept here. Nothing on this list was bought or fitted, so look each number up again before ordering.`,
    table(["designators", "quantity", "part number", "maker", "for", "ratings"], rows),
  );
}
