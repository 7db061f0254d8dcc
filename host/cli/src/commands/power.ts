import type { TargetView } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { targetLine } from "../output/target-text.ts";
import { action, addBayOptions, type Command, parseInteger } from "../program.ts";

function show(target: TargetView): number {
  return target.power === "fault" || target.power === "unknown" ? Exit.bad : Exit.done;
}

/** `mltb power on|off|cycle|status TARGET`, `mltb reset TARGET`, `mltb measure TARGET`. */
export function registerPower(program: Command): void {
  const power = program.command("power").description("switch a target's power; done when the board has proved it");
  const verbs: [string, string, string][] = [
    ["on", "on", "switch on; answers when the rail reached its voltage"],
    ["off", "off", "switch off and discharge; answers when voltage and current are below the thresholds"],
    ["off-floating", "off-floating", "switch off without discharging"],
    ["cycle", "cycle", "off, dwell, on; the board finishes it whatever happens to the client"],
  ];
  for (const [verb, state, description] of verbs) {
    const command = addBayOptions(
      power.command(verb).description(description).argument("<target>", "name of the target"),
    );
    command.option("--override <reason>", "as admin: although somebody else has leased it; the reason is recorded");
    if (verb === "cycle") {
      command.option("--off-ms <ms>", "time without power", parseInteger(0, 60_000), 1000);
    }
    command.action(
      action(async (context, name: string, options: BayOptions & { offMs?: number; override?: string }) => {
        const bay = findBay(options);
        bay.override = options.override;
        const target = await bay.call<TargetView>("PUT", `/api/v1/targets/${encodeURIComponent(name)}/power`, {
          state,
          ...(options.offMs === undefined ? {} : { off_ms: options.offMs }),
        });
        context.print(target, () => targetLine(target));
        return show(target);
      }),
    );
  }
  addBayOptions(power.command("status").description("show a target's power state").argument("<target>")).action(
    action(async (context, name: string, options: BayOptions) => {
      const target = await findBay(options).target(name);
      context.print(target, () => targetLine(target));
      return show(target);
    }),
  );

  addBayOptions(program.command("reset").description("pulse a target's reset line").argument("<target>"))
    .option("--pulse-ms <ms>", "length of the pulse", parseInteger(1, 10_000), 100)
    .action(
      action(async (context, name: string, options: BayOptions & { pulseMs: number }) => {
        const target = await findBay(options).call<TargetView>(
          "POST",
          `/api/v1/targets/${encodeURIComponent(name)}/reset`,
          { pulse_ms: options.pulseMs },
        );
        context.print(target, () => `${target.name}: reset line held for ${options.pulseMs} ms and released`);
        return Exit.done;
      }),
    );

  addBayOptions(
    program.command("measure").description("show a target's voltage, current, power and energy").argument("<target>"),
  ).action(
    action(async (context, name: string, options: BayOptions) => {
      const target = await findBay(options).target(name);
      context.print(target, () => `${targetLine(target)}  ${(target.energy_j ?? 0).toFixed(3)} J`);
      return target.voltage_v === null ? Exit.bad : Exit.done;
    }),
  );
}
