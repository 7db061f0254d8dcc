import { type BayOptions, findBay } from "../client/find-bay.ts";
import { cliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface PanelOptions extends BayOptions {
  clear?: boolean;
  lock?: boolean;
  unlock?: boolean;
  note?: string;
}

interface Panel {
  page: string;
  lines: string[];
}

/** `mltb panel RACK [LINE...]`: what a rack's display shows, a page of the host on it, its lock and its note. */
export function registerPanel(program: Command): void {
  addBayOptions(
    program
      .command("panel")
      .description("show what a rack's front panel displays, or write a page on it")
      .argument("<rack>", "name of the rack")
      .argument("[line...]", "up to four lines of 20 characters to write")
      .option("--clear", "give the display back to the board's own pages")
      .option("--lock", "buttons show pages and switch nothing; Stop held for 2 s works on")
      .option("--unlock", "buttons work again")
      .option("--note <text>", "up to 20 characters on the board's pages, such as what is running; empty removes them"),
  ).action(
    action(async (context, rack: string, lines: string[], options: PanelOptions) => {
      if (options.lock === true && options.unlock === true) {
        throw cliError(Exit.usage, "usage", "--lock and --unlock exclude each other");
      }
      const long = [...lines, options.note ?? ""].find((line) => line.length > 20);
      if (lines.length > 4 || long !== undefined) {
        throw cliError(Exit.usage, "panel-text", "the display has four lines of 20 characters", "shorten the text");
      }
      const bay = findBay(options);
      const path = `/api/v1/racks/${encodeURIComponent(rack)}/panel`;
      const body = {
        ...(options.clear === true ? { lines: [] } : lines.length > 0 ? { lines } : {}),
        ...(options.lock === true ? { locked: true } : options.unlock === true ? { locked: false } : {}),
        ...(options.note === undefined ? {} : { note: options.note }),
      };
      const panel = await (Object.keys(body).length === 0
        ? bay.call<Panel>("GET", path)
        : bay.call<Panel>("PUT", path, body));
      context.print(panel, () => {
        const border = `+${"-".repeat(20)}+`;
        const rows = [0, 1, 2, 3].map((row) => `|${(panel.lines[row] ?? "").padEnd(20)}|`);
        return [border, ...rows, border].join("\n");
      });
      return Exit.done;
    }),
  );
}
