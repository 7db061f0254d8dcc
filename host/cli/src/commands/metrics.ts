import { renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { cliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

/** `mltb metrics [--textfile F]`: the bay's metrics, printed or as a file for a node exporter's textfile collector. */
export function registerMetrics(program: Command): void {
  addBayOptions(
    program
      .command("metrics")
      .description("print the bay's Prometheus metrics, or write them for a node exporter")
      .option("--textfile <file>", "write to this file by an atomic rename; its name must end in .prom"),
  ).action(
    action(async (context, options: BayOptions & { textfile?: string }) => {
      const text = await findBay(options).text("/metrics");
      if (options.textfile === undefined) {
        context.print({ metrics: text }, () => text.trimEnd());
        return Exit.done;
      }
      const file = resolve(options.textfile);
      if (!file.endsWith(".prom")) {
        throw cliError(Exit.usage, "usage", `${file}: a node exporter reads only files that end in .prom`);
      }
      // The collector skips names that do not end in .prom, so that it never reads half a file.
      const temporary = `${file}.${process.pid}`;
      try {
        writeFileSync(temporary, text, { mode: 0o644 });
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw cliError(Exit.usage, "file", `${file} cannot be written: ${(error as Error).message}`);
      }
      const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
      context.print({ textfile: file, samples }, () => `${file}: ${samples} samples`);
      return Exit.done;
    }),
  );
}
