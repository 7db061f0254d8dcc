import { type BayOptions, findBay } from "../client/find-bay.ts";
import { cliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface Panel {
  page: string;
  lines: string[];
}

/** `mltb panel RACK [LINE...]`: what a rack's display shows, or a page of the host on it. */
export function registerPanel(program: Command): void {
  addBayOptions(
    program
      .command("panel")
      .description("show what a rack's front panel displays, or write a page on it")
      .argument("<rack>", "name of the rack")
      .argument("[line...]", "up to four lines of 20 characters to write")
      .option("--clear", "give the display back to the board's status page"),
  ).action(
    action(async (context, rack: string, lines: string[], options: BayOptions & { clear?: boolean }) => {
      const long = lines.find((line) => line.length > 20);
      if (lines.length > 4 || long !== undefined) {
        throw cliError(Exit.usage, "panel-text", "the display has four lines of 20 characters", "shorten the text");
      }
      const bay = findBay(options);
      const path = `/api/v1/racks/${encodeURIComponent(rack)}/panel`;
      const write = options.clear === true ? [] : lines.length > 0 ? lines : undefined;
      const panel = await (write === undefined
        ? bay.call<Panel>("GET", path)
        : bay.call<Panel>("PUT", path, { lines: write }));
      context.print(panel, () => {
        const border = `+${"-".repeat(20)}+`;
        const rows = [0, 1, 2, 3].map((row) => `|${(panel.lines[row] ?? "").padEnd(20)}|`);
        return [border, ...rows, border].join("\n");
      });
      return Exit.done;
    }),
  );
}
