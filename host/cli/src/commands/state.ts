import { copyFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { runningBay, stateFolder } from "../bay/state.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

interface Restored {
  commands: number;
  leases: number;
  audit: number;
}

/** `mltb state backup|restore`: journal, leases and audit log as one file, while the bay runs or not. */
export function registerState(program: Command): void {
  const state = program
    .command("state")
    .description("copy and restore what a bay remembers: journal, leases, audit log");
  addBayOptions(
    state
      .command("backup")
      .description("copy the state store into a file, whether the bay is up or not")
      .argument("<file>"),
  ).action(
    action(async (context, file: string, options: BayOptions) => {
      const { backupState } = await import("@mltb/supervisor");
      const copied = await backupState(stateFolder(options.state), resolve(file));
      context.print(copied, () => `${copied.file}: ${text(copied)}`);
      return Exit.done;
    }),
  );
  addBayOptions(
    state
      .command("restore")
      .description(
        "take up a copy: while the bay is up what is missing is added, and holders keep their leases; else the copy takes the place of the state store",
      )
      .argument("<file>"),
  ).action(
    action(async (context, file: string, options: BayOptions) => {
      const { inspectCopy, replaceState, RESTORE_FILE } = await import("@mltb/supervisor");
      const folder = stateFolder(options.state);
      if (runningBay(folder) === undefined) {
        const copied = replaceState(folder, resolve(file));
        context.print({ ...copied, running: false }, () => `restored into ${folder}: ${text(copied)}`);
        return Exit.done;
      }
      inspectCopy(resolve(file));
      const waiting = join(folder, RESTORE_FILE);
      copyFileSync(resolve(file), waiting);
      try {
        const found = await findBay(options).call<Restored>("POST", "/api/v1/store/restore");
        context.print(
          { file: resolve(file), ...found, running: true },
          () => `added to the bay that is up: ${text(found)}`,
        );
      } finally {
        for (const suffix of ["", "-wal", "-shm"]) rmSync(`${waiting}${suffix}`, { force: true });
      }
      return Exit.done;
    }),
  );
}

function text({ commands, leases, audit }: Restored): string {
  return `${commands} commands, ${leases} leases, ${audit} lines of the audit log`;
}
