import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { bootId, processStart } from "@mltb/contract";
import { type CliFault, cliError, Exit } from "../errors.ts";

/** How to reach a bay, and the files that hold its secrets. Stored as `bay.json` in the state folder. */
export interface BayState {
  schema: "mltb.bay-state/1";
  pid: number;
  /** The boot in which the process was started, and when: its number may become another's. Null where the system does not tell. */
  boot_id: string | null;
  start_ticks: number | null;
  bay: string;
  /** The bay file that it was brought up from, absolute. */
  bay_file?: string;
  /** SIGUSR2 has it read its file again. */
  reloads?: boolean;
  http: string;
  /** HOST:PORT of `mltb.board.v1`. */
  grpc: string;
  mqtt: string;
  /** The same for programs of this machine: without TLS, loopback only. */
  mqtt_local: string;
  token_file: string;
  mqtt_user: string;
  mqtt_password_file: string;
  targets: string[];
  simulated: boolean;
  /** What came of the last `mltb reload`. */
  reload?: { at: string; result?: object; errors?: CliFault[] };
  /** PEM file of the certificate that the bay shows, where it serves TLS. */
  tls_certificate?: string;
}

/** The state folder: the option, else `$XDG_STATE_HOME/mltb`, else `~/.local/state/mltb`. */
export function stateFolder(option: string | undefined): string {
  if (option !== undefined) return option;
  return join(process.env["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "mltb");
}

function file(folder: string): string {
  return join(folder, "bay.json");
}

/** Folders in which this process keeps a bay. */
const own = new Set<string>();

export function writeState(folder: string, state: BayState): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file(folder)}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file(folder));
  own.add(resolve(folder));
}

/** Removes the file, unless another bay has taken the folder meanwhile. */
export function removeState(folder: string): void {
  own.delete(resolve(folder));
  if (readState(folder)?.pid === process.pid) rmSync(file(folder), { force: true });
}

/** What tells this process from every other one that has its number at another time. */
export function thisProcess(): Pick<BayState, "pid" | "boot_id" | "start_ticks"> {
  return { pid: process.pid, boot_id: bootId(), start_ticks: processStart(process.pid) };
}

function alive(folder: string, { pid, boot_id, start_ticks }: BayState): boolean {
  if (pid === process.pid) return own.has(resolve(folder));
  const boot = bootId();
  if (boot !== null && boot_id !== null && boot_id !== boot) return false;
  if (start_ticks !== null) return processStart(pid) === start_ticks;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readState(folder: string): BayState | undefined {
  let text: string;
  try {
    text = readFileSync(file(folder), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cliError(Exit.unreachable, "state-unreadable", `${file(folder)} cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text) as BayState;
  } catch (error) {
    throw cliError(
      Exit.unreachable,
      "state-damaged",
      `${file(folder)} is damaged: ${(error as Error).message}`,
      "stop the bay and remove the file",
    );
  }
}

/**
 * The bay that is up in this folder; undefined when there is none. A file of a process that is gone does not count, nor one
 * whose number another process has now.
 */
export function runningBay(folder: string): BayState | undefined {
  const state = readState(folder);
  return state !== undefined && alive(folder, state) ? state : undefined;
}

/** The journal of experiments in a state folder. */
export function journalFile(stateDir: string): string {
  return join(stateDir, "experiments.sqlite");
}
