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

const monitoring =
  "power:1 reset:1 monitors:1 samples:2 markers:1 protection:1 settings:1 lines:1 panel:1 rack:1 buttons:1 locate:1 log:1 logs:1 update:1 store:1 waveform:2 drops:1";
const floor = "power:1 reset:1 log:1";
const simulated = ["physics", "removable-parts", "breakable", "restarts", "hangs"];

/**
 * What each rung has: a board that loses a capability, or a rung that no longer offers what scenarios need, would only show
 * as one more `lacks X` otherwise. What a board given by `--port` has is its own.
 */
export const has: { [rung in (typeof rungs)[number]]: { capabilities: string; offers: string[] } } = {
  "Lua board (wasmoon)": { capabilities: monitoring, offers: simulated },
  "Lua board (own, 64 bit)": { capabilities: monitoring, offers: simulated },
  "Lua board (own, 32 bit)": { capabilities: monitoring, offers: simulated },
  "RP2040, UART": { capabilities: monitoring, offers: simulated },
  "RP2040, USB serial": { capabilities: monitoring, offers: simulated },
  "RP2040, HID": { capabilities: monitoring, offers: simulated },
  "Lua board, floor (wasmoon)": { capabilities: floor, offers: ["physics", "removable-parts"] },
  "Lua board, floor (own, 32 bit)": { capabilities: floor, offers: ["physics", "removable-parts"] },
  "ast1030 in QEMU": { capabilities: floor, offers: ["physics"] },
  "lm3s6965 in QEMU (floor)": { capabilities: floor, offers: ["physics"] },
  "simulated board behind a port": { capabilities: monitoring, offers: [] },
};

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
