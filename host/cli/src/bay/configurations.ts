import { existsSync } from "node:fs";
import type { SqliteJournal } from "@mltb/bench";
import type { Configurations } from "@mltb/supervisor";
import { journalFile } from "./state.ts";

/** The configurations of a state folder, for whoever asks the bay; the store is opened when somebody does. */
export function storedConfigurations(stateDir: string): { read: Configurations; close(): void } {
  let journal: SqliteJournal | undefined;
  const open = async (): Promise<SqliteJournal | undefined> => {
    if (journal !== undefined || !existsSync(journalFile(stateDir))) return journal;
    const { SqliteJournal: Journal } = await import("@mltb/bench");
    journal ??= new Journal(journalFile(stateDir));
    return journal;
  };
  return {
    read: {
      get: async (hash) => (await open())?.find(hash),
      parameters: async (hash, component) => (await open())?.parametersOf(hash, component),
    },
    close: () => journal?.close(),
  };
}
