import type { ResultRecord } from "../results/record.ts";

/** What it means for the figures that a part was simulated. */
const meanings: Record<string, string> = {
  rail: "voltage, current and energy come from a model of the rail; latency, throughput and accuracy are real",
  board: "the monitoring board's electronics are modelled; its firmware and its wire are real",
  marker: "the edges of the windows reach the board through its model, at the times that the agent told",
};

/** Parts that were simulated in any of some records, each once. */
export function simulatedParts(records: Pick<ResultRecord, "simulated">[]): string[] {
  return [...new Set(records.flatMap(({ simulated }) => simulated))].sort();
}

/** What a simulated part means for the figures; undefined of a part that is not known. */
export function simulatedMeaning(part: string): string | undefined {
  return meanings[part];
}

/** What simulated parts mean for the figures, a sentence for each; empty where all was real. */
export function simulatedText(parts: string[]): string[] {
  return parts.map((part) => {
    const meaning = simulatedMeaning(part);
    return `${part} simulated${meaning === undefined ? "" : `: ${meaning}`}`;
  });
}
