import type { TargetView } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { targetTable } from "../output/target-text.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface Health {
  state: "ok" | "degraded";
  boards: { name: string; lifecycle: string; started_by: string | null; restarts: number }[];
}

/** `mltb status`: boards and targets of the bay that is up. */
export function registerStatus(program: Command): void {
  addBayOptions(program.command("status").description("show the bay that is up: boards and targets")).action(
    action(async (context, options: BayOptions) => {
      const bay = findBay(options);
      const [health, targets] = await Promise.all([bay.call<Health>("GET", "/api/v1/health"), bay.targets()]);
      const document = {
        schema: "mltb.status/1",
        bay: bay.state?.bay ?? null,
        http: bay.url,
        mqtt: bay.state?.mqtt ?? null,
        simulated: bay.state?.simulated ?? null,
        state: health.state,
        boards: health.boards,
        targets: targets satisfies TargetView[],
      };
      context.print(document, () =>
        [
          `bay ${document.bay ?? "?"}: ${health.state}${document.simulated === true ? " (simulated boards and rails)" : ""}`,
          `http ${bay.url}${document.mqtt === null ? "" : `  mqtt ${document.mqtt}`}`,
          ...health.boards.map(({ name, lifecycle, started_by, restarts }) => {
            const started = started_by === null ? "" : `, last start by ${started_by}`;
            return `board ${name}: ${lifecycle}${started}${restarts === 0 ? "" : `, ${restarts} restarts seen`}`;
          }),
          targetTable(targets),
        ].join("\n"),
      );
      return health.state === "ok" ? Exit.done : Exit.bad;
    }),
  );
}
