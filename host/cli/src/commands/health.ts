import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface BayHealth {
  state: "ok" | "degraded";
  boards: { name: string; lifecycle: string; started_by: string | null; restarts: number }[];
}

/** Of a target: what its board and link say; empty until the board has said something. */
type TargetHealth = Record<string, unknown> & { board?: string; refused?: string[] };

/** Values in one line each; what is nested by its path. */
function lines(value: object, path = ""): string[][] {
  return Object.entries(value).flatMap(([name, entry]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (Array.isArray(entry)) return entry.length === 0 ? [[at, "-"]] : entry.map((one) => [at, String(one)]);
    return typeof entry === "object" && entry !== null
      ? lines(entry, at)
      : [[at, entry === null ? "-" : String(entry)]];
  });
}

/** `mltb health [TARGET]`: the boards of the bay, or what is known of a target's board, link and limits. */
export function registerHealth(program: Command): void {
  addBayOptions(
    program
      .command("health")
      .description(
        "show whether boards are ready, or a target's board, link, temperature and limits; exit 1 where not well",
      )
      .argument("[target]", "of this target"),
  ).action(
    action(async (context, name: string | undefined, options: BayOptions) => {
      const bay = findBay(options);
      if (name === undefined) {
        const health = await bay.call<BayHealth>("GET", "/api/v1/health");
        const rows = health.boards.map((b) => [b.name, b.lifecycle, b.started_by ?? "-", String(b.restarts)]);
        context.print(health, () => columns([["board", "lifecycle", "started by", "restarts"], ...rows]));
        return health.state === "ok" ? Exit.done : Exit.bad;
      }
      const health = await bay.call<TargetHealth>("GET", `/api/v1/targets/${encodeURIComponent(name)}/health`);
      context.print(health, () => columns(lines(health)));
      return health.board === "ready" && (health.refused ?? []).length === 0 ? Exit.done : Exit.bad;
    }),
  );
}
