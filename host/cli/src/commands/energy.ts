import { energyPerInference } from "@mltb/bench";
import { readEnergyTrace, readRecordingFile, readTimestamps, traceWindows } from "@mltb/supervisor/energy";
import { CliError, Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, type Command, parseCount } from "../program.ts";

/** Energy per inference of a trace that another instrument has recorded; throws `CliError` with every fault. */
export function importTrace(file: string, timestamps: string, inferences: number) {
  const trace = readEnergyTrace(file);
  if ("faults" in trace) throw new CliError(Exit.usage, trace.faults);
  const times = readTimestamps(timestamps, trace);
  if ("faults" in times) throw new CliError(Exit.usage, times.faults);
  const windows = traceWindows(trace, times.pairs);
  const { value, uncertainty, coverage, budget } = energyPerInference(
    windows.map(({ energy_uj, timing_uj }) => ({
      energy_uj,
      inferences,
      terms: [{ term: "timing", standard_uj: timing_uj, distribution: "rectangular", systematic: false }],
    })),
    "edges",
  );
  return {
    sample_rate_hz: trace.sample_rate_hz,
    samples: trace.samples_uj.length,
    inferences,
    windows: windows.map(({ start_s, stop_s, energy_uj }) => ({ start_s, stop_s, energy_uj })),
    energy_uj_per_inference: { value, uncertainty, coverage, budget },
    // A trace says nothing of the instrument that recorded it.
    not_in_uncertainty: ["gain, offset and noise of the instrument"],
  };
}

/** What a recording's file holds, its windows computed anew from the samples; throws `CliError` with what is wrong. */
function readSamples(file: string) {
  const read = readRecordingFile(file);
  if ("faults" in read) throw new CliError(Exit.usage, read.faults);
  return read;
}

/** The samples one by one: those of a day are more than a text can hold. */
function* csvLines(recording: ReturnType<typeof readSamples>["recording"]): Generator<string> {
  const { times, currents } = recording.raw();
  yield "tick_us,current_a\n";
  for (const [n, at] of times.entries()) yield `${at},${currents[n]?.toPrecision(7)}\n`;
}

/** `mltb energy show FILE`: windows with their budgets, or all samples as comma-separated values. */
function registerShow(energy: Command): void {
  energy
    .command("show")
    .description("show a recording's windows and uncertainty budgets, computed anew from its samples")
    .argument("<file>", "recording that a bay has kept (docs/recordings.md)")
    .option(
      "--csv",
      "print the samples instead: device time in us, current in A; with --json beside the windows, as `csv`",
    )
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, file: string, options: { csv?: boolean }) => {
        const { facts, recording } = readSamples(file);
        const { rate_hz, samples, dropped, windows } = recording.result();
        if (options.csv === true && !context.json) {
          for (const line of csvLines(recording)) process.stdout.write(line);
          return Exit.done;
        }
        const refused = windows.filter((window) => window.refused !== null);
        const csv = options.csv === true ? { csv: [...csvLines(recording)].join("") } : {};
        context.print({ ...facts, rate_hz, samples, dropped, windows, ...csv }, () => {
          const kept = `${samples.received} samples at ${rate_hz} Hz, ${samples.lost} lost`;
          const of = facts.simulated.length > 0 ? `, simulated ${facts.simulated.join(", ")}` : "";
          const rows = windows.map((window, n) => [
            String(n + 1),
            `${window.start_tick.toFixed(0)} us`,
            `${(window.duration_us / 1000).toFixed(3)} ms`,
            window.energy_uj === null ? `refused: ${window.refused}` : `${window.energy_uj.toFixed(1)} uJ`,
            window.energy_uj === null ? "" : `${Math.hypot(...window.terms.map((t) => t.standard_uj)).toFixed(1)} uJ`,
          ]);
          const budget = windows.find((window) => window.refused === null)?.terms ?? [];
          return [
            `${facts.target} (${facts.rack}, channel ${facts.channel}${of}), ${facts.recorded_at}: ${kept}`,
            columns([["window", "start", "length", "energy", "standard uncertainty"], ...rows]),
            ...(budget.length === 0 ? [] : ["", "budget of the first window, standard uncertainties:"]),
            ...budget.map((t) => `  ${t.term.padEnd(20)} ${t.standard_uj.toFixed(2)} uJ  ${t.distribution}`),
          ].join("\n");
        });
        return refused.length > 0 ? Exit.bad : Exit.done;
      }),
    );
}

/** `mltb energy import TRACE.bin`, `mltb energy show FILE`. */
export function registerEnergy(program: Command): void {
  const energy = program.command("energy").description("work with energy traces and recordings");
  registerShow(energy);
  energy
    .command("import")
    .description("recompute the energy per inference of a trace of the MLPerf Tiny energy runner")
    .argument("<trace>", "trace: byte 0xF1, float32 LE samples/s, then float32 LE microjoules a sample")
    .requiredOption("--timestamps <file>", "JSON list of seconds: a mark, then start and stop of every window")
    .requiredOption("--inferences <n>", "inferences in a window", parseCount)
    .option("--json", "print one JSON document on standard output")
    .action(
      action(async (context, file: string, options: { timestamps: string; inferences: number }) => {
        const document = importTrace(file, options.timestamps, options.inferences);
        const { value, uncertainty } = document.energy_uj_per_inference;
        context.print(document, () => {
          const rows = document.windows.map((window, n) => [
            String(n + 1),
            `${window.start_s} s`,
            `${window.stop_s} s`,
            `${window.energy_uj.toFixed(1)} uJ`,
            `${(window.energy_uj / options.inferences).toFixed(3)} uJ`,
          ]);
          return [
            columns([["window", "start", "stop", "energy", "per inference"], ...rows]),
            "",
            `${value.toFixed(3)} uJ per inference, +- ${uncertainty.toFixed(3)} uJ (95 %: edges and spread of the windows; the instrument's own errors are not in the file)`,
          ].join("\n");
        });
        return Exit.done;
      }),
    );
}
