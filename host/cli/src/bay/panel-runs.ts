import { type ChildProcess, spawn } from "node:child_process";
import { basename } from "node:path";
import type { Bay } from "@mltb/contract";

const COLUMNS = 20;

/**
 * A line of the display about a run: of the three parts the name alone is cut, with the mark that the board sets (`~`, an arrow on
 * the glass), so that what comes before and behind it is always read.
 */
function line(before: string, name: string, behind: string): string {
  const [first, shown, last] = [before, name, behind].map((text) => text.replace(/[^\x20-\x7d]/g, "?")) as [
    string,
    string,
    string,
  ];
  const room = COLUMNS - first.length - last.length;
  return first + (shown.length <= room ? shown : `${shown.slice(0, room - 1)}~`) + last;
}

/** What a bay's panel needs to start experiments. */
export interface PanelRunsOptions {
  bay: Bay;
  /** The command line, and the folder by which its `run` finds this bay. */
  mltb: string;
  stateDir: string;
  /** Shows a line on the rack's display; rejects where the board does not take it. */
  note(rack: string, text: string): Promise<void>;
  log(text: string): void;
}

export interface PanelRuns {
  /** A button was pressed on a rack's own panel. */
  pressed(rack: string, button: string, press: string): void;
  /** Ends runs that are under way, as Ctrl-C does; resolves when their targets are safe. */
  stop(): Promise<void>;
}

/**
 * Starts the experiment that the bay file binds to a press (`buttons: { up-long: { run: FILE } }`) in a process of its own, one at a
 * time on a rack, and shows on the display what runs and how it ended.
 */
export function createPanelRuns({ bay, mltb, stateDir, note, log }: PanelRunsOptions): PanelRuns {
  const running = new Map<string, { child: ChildProcess; ended: Promise<void> }>();

  function show(rack: string, text: string): void {
    note(rack, text).catch((error: Error) => log(`${rack}: the panel does not show "${text}": ${error.message}`));
  }

  function start(rack: string, file: string): void {
    const name = basename(file).replace(/\.ya?ml$/, "");
    const child = spawn(process.execPath, [mltb, "run", file, "--state", stateDir], { stdio: ["ignore", 2, 2] });
    show(rack, line("runs ", name, ""));
    log(`${rack}: a press starts ${file}`);
    const ended = new Promise<void>((resolve) => {
      const end = (how: string, full: string): void => {
        if (!running.delete(rack)) return;
        show(rack, line("", name, `: ${how}`));
        log(`${rack}: ${file} ${full}`);
        resolve();
      };
      child.once("error", (error) => end("not started", `not started: ${error.message}`));
      child.once("exit", (code, signal) =>
        code === 0 ? end("done", "done") : end(signal ?? `exit ${code}`, `ended with ${signal ?? code}`),
      );
    });
    running.set(rack, { child, ended });
  }

  return {
    pressed(rack, button, press) {
      const key = `${button}-${press}`;
      // The bay may have been read anew since: what it says now counts.
      const buttons: Record<string, { run: string } | undefined> =
        bay.racks.find((entry) => entry.rack === rack)?.buttons ?? {};
      const bound = buttons[key];
      if (bound === undefined) return;
      if (running.has(rack)) {
        log(`${rack}: ${key} is passed over, an experiment that was started here still runs`);
        return;
      }
      start(rack, bound.run);
    },
    async stop() {
      const open = [...running.values()];
      for (const { child } of open) child.kill("SIGINT");
      await Promise.all(open.map(({ ended }) => ended));
    },
  };
}
