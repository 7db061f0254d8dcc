import type { TargetView } from "../client/bay-client.ts";

function number(value: number | null, digits: number, unit: string): string {
  return value === null ? `- ${unit}` : `${value.toFixed(digits)} ${unit}`;
}

/** A target in one line: name, state, what was measured, fault. */
export function targetLine(target: TargetView): string {
  const measured = [
    number(target.voltage_v, 3, "V"),
    number(target.current_a, 4, "A"),
    number(target.power_w, 3, "W"),
  ].join("  ");
  const fault = target.fault === null ? "" : `  fault ${target.fault.id}: ${target.fault.cause}`;
  const claimed = target.unproved === true ? " (unproved: nothing is measured)" : "";
  return `${target.name}: ${target.power}${claimed}  ${measured}${fault}`;
}

/** All targets as a table with a header. */
export function targetTable(targets: TargetView[]): string {
  const rows = [["target", "rack", "ch", "power", "voltage", "current", "power", "energy", "fault"]];
  for (const target of targets) {
    rows.push([
      target.name,
      target.rack,
      String(target.channel),
      target.unproved === true ? `${target.power} (unproved)` : target.power,
      number(target.voltage_v, 3, "V"),
      number(target.current_a, 4, "A"),
      number(target.power_w, 3, "W"),
      number(target.energy_j, 1, "J"),
      target.fault?.id ?? "-",
    ]);
  }
  return columns(rows);
}

/** Pads every column to its widest cell. */
export function columns(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
