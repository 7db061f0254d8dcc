import type { TargetView } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { targetLine } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

/** `mltb strap TARGET [SEQUENCE]`: runs a strap sequence of the bay file on the target's board. */
export function registerStrap(program: Command): void {
  addBayOptions(
    program
      .command("strap")
      .description(
        "run a strap sequence of the bay file; done when the board has run its last step and proved the state",
      ),
  )
    .argument("<target>", "name of the target")
    .argument("[sequence]", "name of the sequence", "recovery")
    .option("--override <reason>", "as admin: although somebody else has leased it; the reason is recorded")
    .action(
      action(async (context, name: string, sequence: string, options: BayOptions & { override?: string }) => {
        const bay = findBay(options);
        bay.override = options.override;
        const path = `/api/v1/targets/${encodeURIComponent(name)}/strap`;
        const target = await bay.call<TargetView>("POST", path, { sequence });
        context.print(target, () => `${targetLine(target)}  (${sequence} is through)`);
        return target.power === "fault" || target.power === "unknown" ? Exit.bad : Exit.done;
      }),
    );
}
