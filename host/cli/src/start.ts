// npm start [-- --once]: the demo bay, the quick-start experiment, its results; the bay stays up until Ctrl-C.
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { renderTable } from "@mltb/bench";
import { bringUp } from "./bay/bring-up.ts";
import { stateFolder } from "./bay/state.ts";
import { findBay } from "./client/find-bay.ts";
import { loadExperiments, runExit, runOnBay } from "./commands/run.ts";
import { aborted, defaultPorts, listener } from "./commands/up.ts";
import { Exit } from "./errors.ts";
import { createSteps } from "./output/steps.ts";
import { action, createProgram, runProgram } from "./program.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
const results = fileURLToPath(new URL("../../../results", import.meta.url));

const program = createProgram("0.1.0").name("npm start --");
program
  .description("bring up the demo bay, run examples/quickstart.yml and leave the bay up until Ctrl-C")
  .option("--once", "end after the report")
  .option("--state <dir>", "folder for address and secrets (default: $XDG_STATE_HOME/mltb)")
  .action(
    action(async (context, options: { once?: boolean; state?: string }) => {
      const started = performance.now();
      const steps = createSteps();
      const experiments = loadExperiments(example("quickstart.yml"), []);
      const running = await bringUp({
        bayFile: example("demo-bay.yml"),
        http: listener(undefined, defaultPorts.http),
        mqtt: listener(undefined, defaultPorts.mqtt),
        stateDir: stateFolder(options.state),
        steps,
        signal: context.signal,
      });
      let code: number = Exit.done;
      try {
        const run = await runOnBay(
          experiments,
          findBay({ state: options.state }),
          results,
          steps,
          context.signal,
          options.state,
        );
        const report = relative(process.cwd(), `${run.folder}/report.html`);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        context.print(run, () => `\n${renderTable(run)}\n\nreport  ${report}   (${seconds} s since start)`);
        code = runExit(run, context);
        if (options.once !== true && !context.signal.aborted) {
          context.note(
            `\nbay ${running.state.bay} stays up: http ${running.state.http}  mqtt ${running.state.mqtt}\n` +
              "try `npx mltb status`, `npx mltb power on spare-3`, `npx mltb run examples/kws.yml` in another terminal; Ctrl-C ends it",
          );
          await aborted(context.signal);
          code = Exit.done;
        }
      } finally {
        context.note("switching the targets off ...");
        await running.stop();
        context.note("stopped");
      }
      return code;
    }),
  );
await runProgram(program, process.argv);
