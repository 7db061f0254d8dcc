import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Results, readResults } from "./results.ts";

const root = new URL("../../", import.meta.url);
/** Pages that may carry figures. */
const pages = [
  "README.md",
  "docs/firmware.md",
  "docs/decisions/0004-sampling-chain.md",
  "docs/decisions/0007-floor-variant.md",
];

const whole = (value: number | null | undefined): string =>
  value === null || value === undefined ? "-" : Math.round(value).toLocaleString("en");
/** Thousands with one place: bytes as kB, hertz as kHz. */
const thousands = (value: number | null | undefined): string =>
  value === null || value === undefined ? "-" : String(Math.round(value / 100) / 10);

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return `\n${[line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n")}\n`;
}

type Renderer = (results: Results) => string | undefined;

function budgetTable({ sizes }: Results): string | undefined {
  if (sizes === undefined) return undefined;
  const rows = sizes.sizes.budgets.map(({ name, limit, value, ok, reason }) => [
    name,
    whole(value),
    whole(limit),
    ok === null ? `not measured: ${reason}` : ok ? "holds" : "EXCEEDED",
  ]);
  return table(["budget", "value", "limit", ""], rows);
}

const dispatches = {
  ping: "ping received, answered and sent",
  echo64: "echo of 64 bytes, with the turn that sends it",
  block100x8: "block of 100 x 8 samples taken, framed and sent",
  worst_dispatch: "worst single call in a mixed load",
} as const;

function instructionTable({ sizes }: Results): string | undefined {
  if (sizes === undefined) return undefined;
  const { instructions, budgets } = sizes.sizes;
  const rows = Object.entries(dispatches).map(([name, text]) => [
    text,
    whole(instructions[name as keyof typeof dispatches]),
    whole(budgets.find((budget) => budget.name === `${name} instructions`)?.limit),
  ]);
  return table(["dispatch", "instructions", "budget"], rows);
}

function scenarioTable({ "long-images": images }: Results): string | undefined {
  if (images?.scenarios === undefined) return undefined;
  const { rungs, rows } = images.scenarios;
  return table(
    ["scenario", ...rungs],
    rows.map(({ name, cells }) => [name, ...cells]),
  );
}

/** A figure that a test of the image suite measured. */
const measured =
  (name: string, text: (value: number) => string): Renderer =>
  ({ "long-images": images }) => {
    const value = images?.figures?.[name];
    return value === undefined ? undefined : text(value);
  };

function samplingRates({ bench }: Results): string | undefined {
  const rate = (carrier: string): number | null | undefined =>
    bench?.figures.find(({ benchmark, quantity }) => benchmark === "sampling-rate" && quantity.startsWith(carrier))
      ?.median;
  const rates = ["RP2040 image, UART", "RP2040 image, USB serial", "RP2040 image, HID"].map(rate);
  return rates.includes(undefined) ? undefined : `${rates.map(thousands).join(", ")} kHz`;
}

const monitoring = ({ sizes }: Results) => sizes?.sizes.bundles.find(({ name }) => name === "monitoring");
const budgetValue = ({ sizes }: Results, budget: string): number | null | undefined =>
  sizes?.sizes.budgets.find(({ name }) => name === budget)?.value;
const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;

/** What may stand between `<!-- figure NAME -->` and `<!-- end -->`; undefined while no result holds it. */
const renderers: Record<string, Renderer> = {
  budgets: budgetTable,
  instructions: instructionTable,
  scenarios: scenarioTable,
  "bytecode-kb": (results) =>
    results.sizes === undefined ? undefined : `${thousands(monitoring(results)?.bytecode_bytes)} kB`,
  "heap-kb": (results) =>
    results.sizes === undefined ? undefined : `${thousands(monitoring(results)?.heap_boot_bytes.i64)} kB`,
  "heap-bytes": (results) =>
    results.sizes === undefined ? undefined : whole(monitoring(results)?.heap_boot_bytes.i64),
  "floor-ram-bytes": (results) =>
    results.sizes === undefined ? undefined : whole(budgetValue(results, "lm3s6965 static, stack and heap bytes")),
  "sampling-rates": samplingRates,
  "alert-worst": measured("over_current_alert_worst_us", ms),
  "sampler-worst": measured("over_current_sampler_worst_us", ms),
  crossings: measured("over_current_crossings", whole),
  "marker-edges": measured("marker_edges", whole),
  "marker-jitter": measured("marker_jitter_us", (us) => `${us} us`),
  "chain-cpu": measured("sampling_chain_cpu_share", (share) => `${(100 * share).toFixed(1)} %`),
};

const MARK = /<!-- figure ([a-z-]+) -->([\s\S]*?)<!-- end -->/g;

/** A page with its figures as the results have them; an unknown name is an error. */
export function withFigures(page: string, text: string, results: Results): string {
  return text.replace(MARK, (found, name: string) => {
    const render = renderers[name];
    if (render === undefined)
      throw new Error(`${page}: there is no figure ${name}; there are ${Object.keys(renderers).join(", ")}`);
    const value = render(results);
    return value === undefined ? found : `<!-- figure ${name} -->${value}<!-- end -->`;
  });
}

/** Pages whose figures are not those of the results, with the text that they should have. */
export function stalePages(results: Results = readResults()): { page: string; text: string }[] {
  return pages.flatMap((page) => {
    const before = readFileSync(new URL(page, root), "utf8");
    const text = withFigures(page, before, results);
    return text === before ? [] : [{ page, text }];
  });
}

/** Writes every figure of the pages from `docs/results/`; gives the pages that changed. */
export function rewriteFigures(): string[] {
  return stalePages().map(({ page, text }) => {
    writeFileSync(new URL(page, root), text);
    return fileURLToPath(new URL(page, root));
  });
}
