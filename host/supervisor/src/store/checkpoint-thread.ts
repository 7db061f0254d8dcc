import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

/**
 * Thread of `Checkpoints`: brings the log of the file `workerData` into it for each message, and answers whether it could. A
 * passive checkpoint waits for nobody and holds up nobody: https://www.sqlite.org/c3ref/wal_checkpoint_v2.html
 */
parentPort?.on("message", () => {
  parentPort?.postMessage(checkpoint(workerData as string));
});

function checkpoint(file: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec("pragma wal_checkpoint(passive)");
    return true;
  } catch {
    return false;
  } finally {
    database?.close();
  }
}
