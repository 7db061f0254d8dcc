import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface Edge {
  level: number;
  tick_us: number;
  at: string;
}

/** `mltb markers TARGET`: the last edges of a target's marker line. */
export function registerMarkers(program: Command): void {
  addBayOptions(
    program.command("markers").description("show the last edges of a target's marker, in device time; at most 64"),
  )
    .argument("<target>", "name of the target")
    .action(
      action(async (context, name: string, options: BayOptions) => {
        const path = `/api/v1/targets/${encodeURIComponent(name)}/markers`;
        const edges = await findBay(options).call<Edge[]>("GET", path);
        const rows = edges.map(({ level, tick_us, at }) => [String(level), String(tick_us), at]);
        context.print(edges, () =>
          edges.length === 0 ? `${name}: no edge was seen` : columns([["level", "tick_us", "at"], ...rows]),
        );
        return Exit.done;
      }),
    );
}
