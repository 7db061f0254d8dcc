import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { forwardPhases, type NodeSpec, type RunEvent, SqliteJournal } from "@mltb/bench";
import { afterAll, beforeEach, expect, test } from "vitest";
import { run } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-experiment-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let state: string;
let file: string;
let count = 0;
beforeEach(() => {
  count += 1;
  state = join(folder, `state${count}`);
  file = join(state, "experiments.sqlite");
  mkdirSync(state, { mode: 0o700 });
});

const experiment = (...args: string[]) => run("experiment", ...args, "--state", state);

/** Changes the journal's file by hand, as nothing of the bench does. */
function sql(text: string): void {
  const db = new DatabaseSync(file);
  db.exec(text);
  db.close();
}

const chain: NodeSpec[] = ["first", "second"].map((id, i) => ({
  ...{ id, service: "s", component: "c", phases: forwardPhases(), retries: 0, parameters: {} },
  after: i === 0 ? [] : ["first"],
}));

/** A run of two nodes without a board, the second of which waits for the first. */
async function begin(run_id: string): Promise<void> {
  const journal = new SqliteJournal(file);
  const row = { run_id, experiment: "e", folder: join(folder, run_id), configuration: [] };
  await journal.create(row, { type: "submitted", workflow: { run_id, nodes: chain } });
  journal.close();
}

test("a run of which the journal has nothing is shown as that beside others, and neither goes on nor is ended", async () => {
  await begin("begun");
  sql(`insert into runs (run_id, experiment, folder, configuration, started_at, worker_pid)
    select 'empty', experiment, folder, configuration, '2020-01-01T00:00:00.000Z', null from runs`);
  const list = await experiment("list", "--json");
  const rows = JSON.parse(list.out).runs.map(({ run_id, status }: Record<string, string>) => [run_id, status]);
  expect([list.code, rows], list.err).toEqual([
    0,
    [
      ["begun", "running"],
      ["empty", "never begun"],
    ],
  ]);
  expect((await experiment("show", "empty")).out).toMatch(/^empty {2}e {2}never begun\n {2}folder /);
  for (const [verb, ...more] of [["resume"], ["cancel"], ["hold", "first", "--reason", "look"]]) {
    const { code, err } = await experiment(verb as string, "empty", ...more);
    expect([verb, code, err]).toEqual([verb, 3, expect.stringMatching(/has never begun|was not submitted/)]);
  }
}, 120_000);

test("a run that has ended cannot be cancelled: that is refused, and what it came to stays as it was", async () => {
  await begin("over");
  const journal = new SqliteJournal(file);
  const phases = [
    { type: "started", phase: "init" },
    { type: "failed", phase: "init", reason: "broken", permanent: true },
    { type: "started", phase: "deinit" },
    { type: "succeeded", phase: "deinit" },
  ];
  for (const [n, event] of phases.entries())
    await journal.append("over", n + 1, { ...event, node: "first", attempt: 1 } as RunEvent);
  const before = await journal.read("over", 0);
  const { code, err } = await experiment("cancel", "over", "--reason", "late");
  expect([code, err]).toEqual([3, expect.stringContaining("the run has ended and cannot be cancelled")]);
  expect(await journal.read("over", 0)).toEqual(before);
  // One that got there when it was still taken.
  await journal.append("over", before.length, { type: "cancelled", reason: "late", author: "somebody" });
  journal.close();
  const shown = JSON.parse((await experiment("show", "over", "--json")).out);
  expect([shown.status, shown.cancelled]).toEqual(["ended", null]);
  expect(shown.nodes.map(({ status }: { status: string }) => status)).toEqual(["failed", "skipped"]);
}, 120_000);

test("a run whose process is gone is interrupted, though somebody else has its process id now", async () => {
  await begin("reused");
  const status = async (): Promise<string> => JSON.parse((await experiment("show", "reused", "--json")).out).status;
  expect(await status()).toBe("running");
  sql("update runs set worker_identity = 'another-boot/1'");
  expect(await status()).toBe("interrupted");
}, 120_000);
