import { SIMULATED_SERIAL } from "@mltb/contract";
import { cliError, Exit } from "../errors.ts";
import { action, type Command, parseInteger } from "../program.ts";
import { aborted } from "./up.ts";

/** `mltb simulate board`: the real firmware bundle on a pseudo-terminal. */
export function registerSimulate(program: Command): void {
  const simulate = program.command("simulate").description("run simulated devices on pseudo-terminals");
  simulate
    .command("board")
    .description("run the real firmware bundle of a board on a pseudo-terminal until Ctrl-C")
    .requiredOption("--kind <kind>", "kind of board: monitoring")
    .requiredOption("--link <path>", "where to link the pseudo-terminal, such as ./board0")
    .option("--serial <number>", "serial number of the board", `${SIMULATED_SERIAL}0001`)
    .option("--seed <n>", "seed of the simulated parts", parseInteger(0, 0x7fffffff), 1)
    .option("--json", "print one JSON document a line on standard output")
    .action(
      action(async (context, options: { kind: string; link: string; serial: string; seed: number }) => {
        if (options.kind !== "monitoring") {
          throw cliError(
            Exit.usage,
            "unknown-kind",
            `there is no board of kind ${options.kind}`,
            "did you mean monitoring?",
          );
        }
        const [{ buildBundle }, { simulateBoard }] = await Promise.all([
          import("@mltb/firmware"),
          import("@mltb/simulators"),
        ]);
        const bundle = await buildBundle("monitoring");
        const board = await simulateBoard({
          bundle: bundle.source,
          link: options.link,
          serial: options.serial,
          seed: options.seed,
        });
        context.print(
          {
            event: "ready",
            kind: options.kind,
            link: board.link,
            device: board.device,
            serial: options.serial,
            sha256: bundle.sha256,
          },
          () => `${options.kind} board ${options.serial} on ${board.link} (${board.device}); Ctrl-C ends it`,
        );
        await aborted(context.signal);
        await board.close();
        return Exit.done;
      }),
    );
}
