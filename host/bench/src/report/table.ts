import type { ResultRecord, RunDocument } from "../results/record.ts";
import { simulatedParts, simulatedText } from "./simulated.ts";

const us = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(1));

/** Energy with its expanded uncertainty, both with digits that the uncertainty supports. */
export function energyText(record: ResultRecord): string {
  const energy = record.energy_uj_per_inference;
  if (energy === null) return "refused";
  const digits = Math.max(0, Math.min(4, 1 - Math.floor(Math.log10(energy.uncertainty))));
  return `${energy.value.toFixed(digits)} ± ${energy.uncertainty.toFixed(digits)}`;
}

/** Largest difference of an output from the host's reference; a dash where it is not known. */
export function errorText({ numerical_error: error }: ResultRecord): string {
  return error === null ? "-" : error.max_abs === 0 ? "0" : error.max_abs.toExponential(1);
}

/** The results of a run as a table of text; says which parts are simulated. */
export function renderTable(run: RunDocument): string {
  const rows = [
    [
      "target",
      "model",
      "p50 us",
      "p90 us",
      "p99 us",
      "per second",
      "energy uJ",
      "lost",
      "accuracy",
      "max error",
      "verdict",
      "simulated",
    ],
  ];
  for (const record of run.results) {
    const { latency_us: latency, accuracy } = record;
    rows.push([
      record.target,
      record.model.name,
      us(latency?.p50),
      us(latency?.p90),
      us(latency?.p99),
      record.throughput_per_s === null ? "-" : record.throughput_per_s.toFixed(0),
      energyText(record),
      String(record.samples.lost),
      accuracy === null ? "-" : `${accuracy.correct}/${accuracy.total}`,
      errorText(record),
      record.verdict,
      record.simulated.length === 0 ? "-" : record.simulated.join(", "),
    ]);
  }
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const numeric = new Set([2, 3, 4, 5, 6, 7, 8, 9]);
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        numeric.has(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      )
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, "-".repeat((lines[0] as string).length));
  const notes = run.results.filter((record) => record.verdict === "invalid" || record.verdict === "unstable");
  for (const record of notes) lines.push(`${record.target} ${record.model.name}: ${record.reasons.join("; ")}`);
  for (const { target, reason } of run.not_safe ?? []) lines.push(`NOT PROVED OFF: ${target}: ${reason}`);
  if (run.cancelled != null) lines.push(`cancelled by ${run.cancelled.author}: ${run.cancelled.reason}`);
  lines.push(...simulatedText(simulatedParts(run.results)));
  return lines.join("\n");
}
