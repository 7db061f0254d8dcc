import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scenarios } from "./index.ts";

/** Where a run leaves what each rung did, until the table is made of it. */
const folder = fileURLToPath(new URL("../../dist/scenario-runs", import.meta.url));
const page = fileURLToPath(new URL("../../../docs/firmware.md", import.meta.url));
const begin = "<!-- scenarios: written by npm run test:images -- --long -->";
const end = "<!-- end of scenarios -->";

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

/** Result by scenario: `ok`, `failed` or `lacks X`. */
export type RungRun = Record<string, string>;

const fileOf = (rung: string): string => join(folder, `${rung.replace(/[^a-z0-9]+/gi, "-").toLowerCase()}.json`);

/** Keeps what a rung did. */
export function keepRun(rung: RungName, run: RungRun): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(rung), `${JSON.stringify({ rung, run })}\n`);
}

function table(): string {
  const runs = new Map<string, RungRun>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const { rung, run } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { rung: string; run: RungRun };
    runs.set(rung, run);
  }
  const cell = (rung: string, name: string): string => runs.get(rung)?.[name] ?? "not run";
  const rows = scenarios.map(({ name }) => `| ${name} | ${rungs.map((rung) => cell(rung, name)).join(" | ")} |`);
  return [`| scenario | ${rungs.join(" | ")} |`, `|---|${rungs.map(() => "---|").join("")}`, ...rows].join("\n");
}

/** Writes the table into docs/firmware.md, between its two marks. */
export function writeTable(): void {
  const text = readFileSync(page, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} has no place for the table: ${begin} ... ${end}`);
  writeFileSync(page, `${text.slice(0, from)}${begin}\n${table()}\n${text.slice(to)}`);
}

/** Scenarios that the page does not list. */
export function missingFromPage(): string[] {
  const text = readFileSync(page, "utf8");
  return scenarios.map((scenario) => scenario.name).filter((name) => !text.includes(`| ${name} |`));
}
