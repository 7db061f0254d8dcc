import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { policyCaller } from "../call.ts";
import { Audit } from "./audit.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Database } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-checkpoints-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PAGE = 4096;

/** Lines of the log, a write each, with a moment for the thread between hundreds. */
async function write(database: Database, lines: number): Promise<void> {
  const audit = new Audit(database);
  for (let n = 1; n <= lines; n += 1) {
    audit.write(policyCaller("test"), { action: "power", target: `t-${n}`, status: "done" });
    if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(audit.lost).toBe(0);
}

test("the log is brought into the file by the thread, and a later start reads what was written", async () => {
  const file = join(folder, "a.sqlite");
  const database = new Database(file);
  const checkpoints = new Checkpoints(file);
  database.onWrite = () => checkpoints.wrote();
  const before = statSync(file).mtimeMs;
  await write(database, 3000);
  await expect.poll(() => checkpoints.counters.made).toBeGreaterThan(3);
  expect(checkpoints.counters.failed).toBe(0);
  // The writer's own first checkpoint would come with 33 MB of log.
  expect(statSync(`${file}-wal`).size).toBeLessThan(8000 * PAGE);
  expect(statSync(file).mtimeMs).toBeGreaterThan(before);
  await checkpoints.stop();
  database.close();
  const again = new Database(file);
  expect(again.count("audit")).toBe(3000);
  again.close();
});

test("a thread that cannot open the file is counted, and the writer's own checkpoint bounds the log", async () => {
  const file = join(folder, "b.sqlite");
  const database = new Database(file);
  const checkpoints = new Checkpoints(join(folder, "no-such-folder", "b.sqlite"));
  database.onWrite = () => checkpoints.wrote();
  await write(database, 20_000);
  await expect.poll(() => checkpoints.counters.failed).toBeGreaterThan(3);
  expect(checkpoints.counters.made).toBe(0);
  expect(statSync(`${file}-wal`).size).toBeLessThan(8100 * (PAGE + 24));
  await checkpoints.stop();
  database.close();
});

test("where no thread is to be had, what was written stands, that is counted, and the next checkpoint asks again", async () => {
  const database = new Database(join(folder, "c.sqlite"));
  const checkpoints = new Checkpoints(database.file, () => {
    throw new Error("EAGAIN");
  });
  database.onWrite = () => checkpoints.wrote();
  await write(database, 1000);
  expect(checkpoints.counters).toEqual({ made: 0, failed: 4 });
  expect(database.count("audit")).toBe(1000);
  await checkpoints.stop();
  database.close();
});
