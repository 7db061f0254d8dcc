import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BayError } from "@mltb/contract";
import { backup, DatabaseSync } from "./database.ts";
import { migrations } from "./schema.ts";

/** Name of the state store in the state folder, and of a copy that is to be taken up. */
export const STATE_FILE = "state.db";
export const RESTORE_FILE = "restore.db";

/** Pages of a step of a copy: more than there are. */
const ALL_PAGES = 2 ** 31 - 1;

/** What a copy holds. */
export interface Copied {
  file: string;
  commands: number;
  leases: number;
  audit: number;
}

/** Reads a copy as a whole; throws `malformed` where it is none, is damaged, or is of a newer version. */
export function inspectCopy(file: string): Copied {
  if (!existsSync(file)) throw new BayError("malformed", `${file} not found`);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const value = (sql: string): unknown => Object.values(database?.prepare(sql).get() ?? {})[0];
    const verdict = value("pragma integrity_check");
    if (verdict !== "ok") throw new Error(String(verdict));
    const version = Number(value("pragma user_version"));
    if (version < 1 || version > migrations.length) throw new Error(`schema ${version} is not known here`);
    const count = (table: string): number => Number(value(`select count(*) from ${table}`));
    return { file, commands: count("commands"), leases: count("leases"), audit: count("audit") };
  } catch (error) {
    throw new BayError("malformed", `${file} is no sound copy of a state store: ${(error as Error).message}`);
  } finally {
    database?.close();
  }
}

/** Copies the state store of a folder, whether its bay is up or not; the copy is complete and consistent. */
export async function backupState(folder: string, file: string): Promise<Copied> {
  const source = join(folder, STATE_FILE);
  if (!existsSync(source)) throw new BayError("malformed", `${source} not found`, "name the folder with --state");
  if (!existsSync(dirname(file))) throw new BayError("malformed", `folder ${dirname(file)} not found`, "make it first");
  const temporary = `${file}.${process.pid}`;
  const database = new DatabaseSync(source, { readOnly: true });
  try {
    // In one step: between two of them a bay that is up writes, and then the copy begins anew.
    await backup(database, temporary, { rate: ALL_PAGES });
  } finally {
    database.close();
  }
  const copied = inspectCopy(temporary);
  renameSync(temporary, file);
  return { ...copied, file };
}

/** SQL that answers the commands of a copy that were under way when it was made: nothing is begun, or completed, of another day's. */
const ANSWER_OPEN = `update commands set status = 'unknown', result = json_object('status', 'unknown',
  'code', 'outcome_unknown', 'message', 'the command ran when the copy was made') where status = 'accepted'`;

/** Puts a copy in the place of the state store of a bay that is down. */
export function replaceState(folder: string, file: string): Copied {
  const copied = inspectCopy(file);
  const target = join(folder, STATE_FILE);
  copyFileSync(file, `${target}.new`);
  const database = new DatabaseSync(`${target}.new`);
  try {
    database.exec(ANSWER_OPEN);
  } finally {
    database.close();
  }
  for (const leftover of ["-wal", "-shm"]) rmSync(`${target}${leftover}`, { force: true });
  renameSync(`${target}.new`, target);
  return copied;
}
