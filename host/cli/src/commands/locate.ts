import type { TargetView } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { action, addBayOptions, type Command, parseInteger } from "../program.ts";

/** `mltb locate TARGET`: shows a target on its rack's panel. */
export function registerLocate(program: Command): void {
  addBayOptions(
    program.command("locate").description("show a target on its rack's panel, for whoever stands before it"),
  )
    .argument("<target>", "name of the target")
    .option("--duration-ms <ms>", "how long; 0 ends it", parseInteger(0, 65_535), 5000)
    .action(
      action(async (context, name: string, options: BayOptions & { durationMs: number }) => {
        const path = `/api/v1/targets/${encodeURIComponent(name)}/locate`;
        const target = await findBay(options).call<TargetView>("POST", path, { duration_ms: options.durationMs });
        context.print(target, () => `${target.name}: channel ${target.channel} of ${target.rack} shows it`);
        return Exit.done;
      }),
    );
}
