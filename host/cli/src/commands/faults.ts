import type { TargetView } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { columns, targetLine } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface Latched {
  target: string;
  id: string;
  cause: string;
  at: string;
}

interface Asked {
  rearm?: boolean;
  waveform?: string;
  before?: boolean;
}

interface Waveform {
  target: string | null;
  period_us: number;
  tick_us: number;
  current_a: number[];
  sweep_period_us: number;
  sweep_tick_us: number;
  voltage_v: number[];
}

/** A line a row of current, in time after the first; the voltage stands where a sweep read it. */
function waveformCsv(wave: Waveform): string {
  const voltages = new Map<number, number>();
  for (const [n, voltage] of wave.voltage_v.entries()) {
    const at_us = ((wave.sweep_tick_us - wave.tick_us) | 0) + n * wave.sweep_period_us;
    voltages.set(Math.round(at_us / wave.period_us), voltage);
  }
  const lines = wave.current_a.map((current, row) => {
    const voltage = voltages.get(row);
    return `${((row * wave.period_us) / 1000).toFixed(3)},${current.toFixed(4)},${voltage?.toFixed(3) ?? ""}`;
  });
  return ["time_ms,current_a,voltage_v", ...lines].join("\n");
}

/** `mltb faults [TARGET]`: latched faults, and re-arming them. Exit 1 while there are any. */
export function registerFaults(program: Command): void {
  addBayOptions(
    program
      .command("faults")
      .description("show latched faults; exit 1 while there are any")
      .argument("[target]", "only those of this target")
      .option("--waveform <board>", "the board's last trip as CSV: current and voltage, 100 ms on each side")
      .option("--before", "with --waveform: the trip before the last")
      .option("--rearm", "clear the fault of the target, so that it can be switched on again"),
  ).action(
    action(async (context, name: string | undefined, options: BayOptions & Asked) => {
      const bay = findBay(options);
      if (options.waveform !== undefined) {
        const back = options.before === true ? 1 : 0;
        const path = `/api/v1/boards/${encodeURIComponent(options.waveform)}/waveform?back=${back}`;
        const wave = await bay.call<Waveform | null>("GET", path);
        context.print(wave, () => (wave === null ? "no waveform is kept" : waveformCsv(wave)));
        return Exit.done;
      }
      // An unknown target is a fault of the command, not a target without faults.
      if (name !== undefined) await bay.target(name);
      const all = await bay.call<Latched[]>("GET", "/api/v1/faults");
      const latched = all.filter((fault) => name === undefined || fault.target === name);
      if (options.rearm !== true) {
        context.print(latched, () =>
          latched.length === 0
            ? "no latched faults"
            : columns([["target", "fault", "since", "cause"], ...latched.map((f) => [f.target, f.id, f.at, f.cause])]),
        );
        return latched.length === 0 ? Exit.done : Exit.bad;
      }
      const rearmed: TargetView[] = [];
      for (const fault of latched) {
        const path = `/api/v1/targets/${encodeURIComponent(fault.target)}/faults/${encodeURIComponent(fault.id)}/rearm`;
        rearmed.push(await bay.call<TargetView>("POST", path));
      }
      context.print(rearmed, () => (rearmed.length === 0 ? "no latched faults" : rearmed.map(targetLine).join("\n")));
      return rearmed.every((target) => target.fault === null) ? Exit.done : Exit.bad;
    }),
  );
}
