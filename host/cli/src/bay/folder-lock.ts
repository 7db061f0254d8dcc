import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { cliError, Exit } from "../errors.ts";

/** Result code of SQLite for a file that somebody else has locked. */
const SQLITE_BUSY = 5;

/**
 * Takes a state folder, so that no second bay comes up on the same journal; returns how to give it back, or undefined
 * where another bay has it. The lock is the system's, on a file that stays empty, and goes with the process however that ends.
 */
export function lockFolder(folder: string): (() => void) | undefined {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, "bay.lock"));
    database.exec("pragma journal_mode = off; begin exclusive");
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    const text = `state folder ${folder} cannot be used: ${(error as Error).message}`;
    throw cliError(Exit.unreachable, "state-unusable", text, "give another one with --state DIR");
  }
  const taken = database;
  return () => taken.close();
}
