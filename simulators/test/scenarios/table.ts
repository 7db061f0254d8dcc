import { scenarios } from "./index.ts";

/** Rungs in the order of the table's columns. */
export const rungs = [
  "Lua board (wasmoon)",
  "Lua board (own, 64 bit)",
  "Lua board (own, 32 bit)",
  "RP2040, UART",
  "RP2040, USB serial",
  "RP2040, HID",
  "Lua board, floor (wasmoon)",
  "Lua board, floor (own, 32 bit)",
  "ast1030 in QEMU",
  "lm3s6965 in QEMU (floor)",
  "simulated board behind a port",
] as const;
/** A real board is no column of the table: nobody has run one for it. */
export type RungName = (typeof rungs)[number] | "board given by --port";

/** What a scenario did on a rung: `ok`, `failed` or `lacks X`. Tests leave it in their `meta` for the run's reporter. */
export interface ScenarioDone {
  rung: RungName;
  name: string;
  result: string;
}

/** The table of one run, a row for each scenario. What did not run says so. */
export function scenarioTable(done: ScenarioDone[]): { rungs: string[]; rows: { name: string; cells: string[] }[] } {
  const cell = (rung: string, name: string): string =>
    done.find((each) => each.rung === rung && each.name === name)?.result ?? "not run";
  return {
    rungs: [...rungs],
    rows: scenarios.map(({ name }) => ({ name, cells: rungs.map((rung) => cell(rung, name)) })),
  };
}
