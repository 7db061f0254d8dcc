// npm run bench [-- --json] [-- --only NAME]: prints a table of medians with the lowest and highest of the runs.
import { cpus } from "node:os";
import { differing, provenance, readResults, rewriteFigures, writeResult } from "@mltb/firmware";
import { cliError, Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, createProgram, runProgram } from "../program.ts";
import { commands } from "./commands.ts";
import { energyPath } from "./energy-path.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { frames } from "./frames.ts";
import { inference } from "./inference.ts";
import { leases } from "./leases.ts";
import { luaFrames } from "./lua-frames.ts";
import { orchestrator } from "./orchestrator.ts";
import { overCurrent } from "./over-current.ts";
import { p50Spread } from "./p50-spread.ts";
import { roundTrip } from "./round-trip.ts";
import { samples } from "./samples.ts";
import { samplingRate } from "./sampling-rate.ts";
import { scale } from "./scale.ts";
import { startTime } from "./start-time.ts";

const benchmarks: Benchmark[] = [
  frames,
  luaFrames,
  samples,
  energyPath,
  samplingRate,
  overCurrent,
  roundTrip,
  commands,
  leases,
  scale,
  startTime,
  inference,
  orchestrator,
  p50Spread,
];

function text(value: number | null): string {
  if (value === null) return "-";
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function table(figures: Figure[]): string {
  const rows = [["benchmark", "quantity", "median", "low", "high", "unit", "runs", "count"]];
  for (const f of figures) {
    rows.push([
      f.benchmark,
      f.quantity,
      text(f.median),
      text(f.low),
      text(f.high),
      f.unit,
      String(f.runs),
      f.reason ?? f.count ?? "-",
    ]);
  }
  return columns(rows);
}

/** Benchmarks on the clock of a board: the machine that runs them plays no part, so that documents may state them. */
const ON_DEVICE = [samplingRate.name, overCurrent.name];

/** Keeps the figures of device time; those of benchmarks that were not run now stay only where they are of these sources. */
async function keep(figures: Figure[], note: (text: string) => void): Promise<void> {
  const now = figures.filter(({ benchmark, median }) => ON_DEVICE.includes(benchmark) && median !== null);
  if (now.length === 0) {
    throw cliError(
      Exit.usage,
      "nothing-to-write",
      "no figure of device time was measured",
      `--only ${ON_DEVICE.join(" or ")}`,
    );
  }
  const of = await provenance();
  const before = readResults().bench;
  const others =
    before === undefined || differing(before.of, of).length > 0
      ? []
      : before.figures.filter(({ benchmark }) => now.every((figure) => figure.benchmark !== benchmark));
  const kept = writeResult("bench", { command: "npm run bench -- --write", of, figures: [...others, ...now] });
  for (const path of [kept, ...rewriteFigures()]) note(`wrote ${path}`);
}

const program = createProgram("0.1.0").name("npm run bench --");
program
  .description("measure the bench itself; figures are medians over runs")
  .option("--only <name>", `one benchmark: ${benchmarks.map((entry) => entry.name).join(", ")}`)
  .option("--write", "keep the figures that no machine changes (device time) in docs/results/bench.json and the pages")
  .option("--json", "print one JSON document on standard output")
  .action(
    action(async (context, options: { only?: string; write?: boolean }) => {
      const chosen = benchmarks.filter((entry) => options.only === undefined || entry.name === options.only);
      if (chosen.length === 0) {
        throw cliError(
          Exit.usage,
          "unknown-benchmark",
          `there is no benchmark ${options.only}`,
          program.options.find((option) => option.long === "--only")?.description,
        );
      }
      const figures: Figure[] = [];
      for (const entry of chosen) {
        context.note(`${entry.name}: ${entry.about} ...`);
        figures.push(...(await entry.run()));
      }
      if (options.write === true) await keep(figures, context.note);
      const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
      context.print({ schema: "mltb.bench/1", at: new Date().toISOString(), machine, figures }, () => table(figures));
      return Exit.done;
    }),
  );
await runProgram(program, process.argv);
