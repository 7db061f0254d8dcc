import type { ResultRecord } from "../results/record.ts";

/** Parts that were simulated in any of some records, each once. */
export function simulatedParts(records: Pick<ResultRecord, "simulated">[]): string[] {
  return [...new Set(records.flatMap(({ simulated }) => simulated))].sort();
}

/** What simulated parts mean for the figures, a sentence for each known part; empty where all was real. */
export function simulatedText(parts: string[]): string[] {
  return parts.map((part) =>
    part === "rail"
      ? "rail simulated: voltage, current and energy come from a model of the rail; latency and accuracy are real"
      : `${part} simulated`,
  );
}
