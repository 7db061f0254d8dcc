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

/** The network at the gate of a channel's switch, where the switch has no driver of its own. */
function gateNetwork(design: BoardDesign): string[] {
  const [path] = design.paths;
  if (path === undefined || path.gate_drive === null || path.gate_parts === null) return [];
  const { gate_drive: drive, gate_parts: parts } = path;
  const rows: string[][] = [
    ["gate to the driver's node", parts.drive, `${drive.drive_ohm / 1000} kOhm`, "with the capacitor, the slew"],
    ["gate to the switched side", parts.capacitor, `${drive.capacitor_nf} nF`, "with the resistor, the slew"],
  ];
  if (parts.pull !== null && drive.pull_ohm !== null) {
    rows.push(["driver's node to the sources", parts.pull, `${drive.pull_ohm / 1000} kOhm`, "opens the switch"]);
  }
  if (parts.diode !== null)
    rows.push(["driver's node to the gate", parts.diode, "diode", "opens it past the resistor"]);
  const slew = "C dV/dt = (V - Vth) / R: the gate stands at its threshold while the output rises.";
  return [`Gate network of channel 1. ${slew}`, table(["from, to", "part", "value", "gives"], rows)];
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
    if (path.gate_drive !== null) add({ part: "gate network", source: path.gate_drive.source });
    for (const { range } of path.senses) add(range);
  }
  for (const { name, connector, fuse, sense, own } of design.feeds) {
    add(connector);
    add(fuse);
    if (own.fuse !== null) add(own.fuse);
    add({ part: `own draw at ${name.split(",")[0]}`, source: own.source });
    if (sense !== null) for (const part of [sense.shunt, sense.range]) add(part);
  }
  for (const part of [...design.regulators, ...design.crystals]) add(part);
  const rows = [...facts].map(([part, said]) => [part, [...said].join("; ")]);
  return table(["part", "source of its figures"], rows);
}

/** Ends as a reader wants them: three and more parts in a row with the same pin are `U1.SDA` to `U8.SDA`. */
function shownEnds(ends: readonly string[]): string {
  const shown: string[] = [];
  for (let at = 0; at < ends.length; ) {
    const first = ends[at] as string;
    const [, prefix, number, pin] = /^([A-Z]+)(\d+)\.(.+)$/.exec(first) ?? [];
    let run = 1;
    while (prefix !== undefined && ends[at + run] === `${prefix}${Number(number) + run}.${pin}`) run += 1;
    if (run < 3) run = 1;
    shown.push(run === 1 ? `\`${first}\`` : `\`${first}\` to \`${ends[at + run - 1]}\``);
    at += run;
  }
  return shown.join(", ");
}

function wireTable(design: BoardDesign): string {
  const rows = design.wires
    .filter(({ channel }) => channel === null || channel === 1)
    .map(({ net, ends, note }) => [net, shownEnds(ends), note ?? ""]);
  return table(["net", "connects", "note"], rows);
}

/** What a board's page says beside its tables. */
export interface BoardText {
  intro: string;
  circuit: string;
  wires: string;
  /** Who takes the generated constants. */
  pins: string;
}

/** Page of a board: pin-out, wiring, power path, what the checks worked out. */
export function boardPage(
  design: BoardDesign,
  { intro, circuit, wires: wiresText, pins: pinsText }: BoardText,
): string {
  return page(
    `${design.title}, revision ${design.revision.toUpperCase()}`,
    intro,
    `**State:** ${design.copper}`,
    `Bill of materials: [${design.name}-bom.md](${design.name}-bom.md). Pin constants: \`hardware/generated/${design.name}-pins.h\` and \`.ts\`. ${pinsText}`,
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
    ...gateNetwork(design),
    `## What the checks work out\n\n\`npm run -s hardware -- check\` at ${design.ambient_c} C; channel 1 stands for all.`,
    figureTable(design),
    `## Where the figures come from\n\n${sources(design)}`,
  );
}

/** Lines of a board's other fitting that differ from those of the first. */
function differences(design: BoardDesign, other: BoardDesign): string[] {
  const lines = other.bom.filter(
    ({ designators, part }) => !design.bom.some((line) => line.designators === designators && line.part === part),
  );
  const said = lines.map(({ designators, part, maker, what }) => `${designators} are \`${part}\` (${maker}, ${what})`);
  return said.length === 0 ? [] : [`${other.title}: ${said.join("; ")}.`];
}

/** Bill of materials of a board, and what another fitting of it changes. */
export function bomPage(design: BoardDesign, other: BoardDesign | null): string {
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
    ...(other === null ? [] : differences(design, other)),
  );
}
