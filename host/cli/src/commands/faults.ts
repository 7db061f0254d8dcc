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

/** `mltb faults [TARGET]`: latched faults, and re-arming them. Exit 1 while there are any. */
export function registerFaults(program: Command): void {
  addBayOptions(
    program
      .command("faults")
      .description("show latched faults; exit 1 while there are any")
      .argument("[target]", "only those of this target")
      .option("--rearm", "clear the fault of the target, so that it can be switched on again"),
  ).action(
    action(async (context, name: string | undefined, options: BayOptions & { rearm?: boolean }) => {
      const bay = findBay(options);
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
