import type { BoardDesign, GateDrive, GateParts } from "../designs/types.ts";
import { FindingCode, Notes, type Report } from "./finding.ts";

/** Parts of a network that its numbers have, and that its designators must name: the divider hides in a wire too many. */
const OPTIONAL = [
  ["pull_ohm", "pull", "resistor from the driver to the sources"],
  ["diode_v", "diode", "diode past the drive resistor"],
  ["gate_source_ohm", "gate_source", "resistor from gate to sources"],
] as const satisfies readonly (readonly [keyof GateDrive, keyof GateParts, string])[];

/** The gate network that is wired is the one that is reckoned with: its four nets hold its parts, and nothing else. */
export function checkGateWiring(design: BoardDesign): Report {
  const notes = new Notes(design, "gate wiring");
  for (const { channel, gate_drive: drive, gate_parts: parts } of design.paths) {
    if (drive === null || parts === null) continue;
    const subject = `channel ${channel}`;
    for (const [value, name, what] of OPTIONAL) {
      if ((drive[value] === null) === (parts[name] === null)) continue;
      const message =
        parts[name] === null
          ? `its gate network has a ${what}, which no part is`
          : `${parts[name]} is a ${what}, which its gate network does not reckon with`;
      notes.fault(FindingCode.gateWiring, subject, message, "make numbers and designators agree");
    }
    for (const { what, wanted, exact } of expected(parts)) {
      const wire = design.wires.find(({ ends }) => ends.includes(wanted[0] as string));
      const ends = wire?.ends ?? [];
      const missing = wanted.filter((end) => !ends.includes(end));
      const odd = exact ? ends.filter((end) => !wanted.includes(end)) : [];
      if (missing.length === 0 && odd.length === 0) continue;
      const said = [
        ...(missing.length === 0 ? [] : [`lacks ${missing.join(", ")}`]),
        ...(odd.length === 0 ? [] : [`has ${odd.join(", ")} too`]),
      ].join(" and ");
      const message = `net ${wire?.net ?? "none"} is its ${what} and ${said}`;
      notes.fault(
        FindingCode.gateWiring,
        subject,
        message,
        "wire the network that its slew and times are worked out of",
      );
    }
  }
  return notes;
}

/** Nets of a network: of the output only the capacitor and the switch count. */
function expected(parts: GateParts): { what: string; wanted: string[]; exact: boolean }[] {
  const [first, second] = parts.elements;
  const of = (designator: string | null, pin: string): string[] =>
    designator === null ? [] : [`${designator}.${pin}`];
  return [
    {
      what: "sources",
      wanted: [`${first}.S`, `${second}.S`, ...of(parts.pull, "1"), ...of(parts.gate_source, "1")],
      exact: true,
    },
    {
      what: "gate",
      wanted: [
        `${first}.G`,
        `${second}.G`,
        `${parts.drive}.1`,
        `${parts.capacitor}.1`,
        ...of(parts.diode, "K"),
        ...of(parts.gate_source, "2"),
      ],
      exact: true,
    },
    {
      what: "driver's node",
      wanted: [`${parts.driver}.D`, `${parts.drive}.2`, ...of(parts.pull, "2"), ...of(parts.diode, "A")],
      exact: true,
    },
    { what: "switched side", wanted: [`${second}.D`, `${parts.capacitor}.2`], exact: false },
  ];
}
