import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bootId } from "@mltb/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventError } from "./machine.ts";
import { identityOf } from "./process-identity.ts";
import { type RunRow, SqliteJournal } from "./sqlite-journal.ts";
import { forwardPhases, type NodeSpec, type RunEvent } from "./workflow.ts";

let folder: string;
let file: string;
let journal: SqliteJournal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-journal-"));
  file = join(folder, "experiments.sqlite");
  journal = new SqliteJournal(file);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

function node(id: string, after: string[] = [], parameters: Record<string, unknown> = {}): NodeSpec {
  return { id, service: "s", component: "c", after, phases: forwardPhases(), retries: 0, parameters };
}

const submitted = (run_id: string, ...nodes: NodeSpec[]): RunEvent => ({
  type: "submitted",
  workflow: { run_id, nodes },
});
const run = (run_id: string) => ({ run_id, experiment: "e", folder: "/nowhere", configuration: [{ name: run_id }] });

test("a run is there with its first event, or not at all", async () => {
  const hash = await journal.create(run("good"), submitted("good", node("a")));
  expect(await journal.read("good", 0)).toEqual([submitted("good", node("a"))]);
  const circle = submitted("circle", node("a", ["b"]), node("b", ["a"]));
  await expect(journal.create(run("circle"), circle)).rejects.toThrow(EventError);
  const held: RunEvent = { type: "held", node: "a", reason: "", author: "" };
  await expect(journal.create(run("held"), held)).rejects.toThrow("the run was not submitted");
  // What cannot be written down, once the run's own row has been.
  const unwritten = submitted("unwritten", node("a", [], { size: 1n }));
  await expect(journal.create(run("unwritten"), unwritten)).rejects.toThrow(/BigInt/);
  await expect(journal.create(run("good"), submitted("good", node("b")))).rejects.toThrow();
  expect(journal.runs().map(({ run_id }) => run_id)).toEqual(["good"]);
  expect(await journal.read("good", 0)).toEqual([submitted("good", node("a"))]);
  expect(journal.find(hash)?.experiments).toEqual([{ name: "good" }]);
  // The journal goes on after what it refused.
  await journal.create(run("next"), submitted("next", node("a")));
  expect(await journal.read("next", 0)).toHaveLength(1);
});

/** Says by hand who works on a run. */
function workedBy(run_id: string, pid: number, identity: string | null): RunRow {
  const db = new DatabaseSync(file);
  db.prepare("update runs set worker_pid = ?, worker_identity = ? where run_id = ?").run(pid, identity, run_id);
  db.close();
  return journal.runs().find((row) => row.run_id === run_id) as RunRow;
}

test("who works on a run is told by boot and start beside the process id, which somebody else may have now", async () => {
  await journal.create(run("r"), submitted("r", node("a")));
  const [row] = journal.runs();
  expect(row).toMatchObject({ worker_pid: process.pid, worker_identity: identityOf(process.pid) });
  expect([journal.worked(row as RunRow), journal.takeOver("r")]).toEqual([true, true]);
  const other = process.ppid;
  expect(journal.worked(workedBy("r", other, identityOf(other)))).toBe(true);
  expect(journal.takeOver("r")).toBe(false);
  for (const [pid, identity] of [
    [other, `${bootId()}/1`],
    [other, identityOf(other)?.replace(/^.*\//, "another-boot/") ?? ""],
    [process.pid, `${bootId()}/1`],
  ] as const) {
    expect([pid, identity, journal.worked(workedBy("r", pid, identity))]).toEqual([pid, identity, false]);
    expect(journal.takeOver("r")).toBe(true);
    expect(journal.runs()[0]).toMatchObject({ worker_pid: process.pid, worker_identity: identityOf(process.pid) });
  }
  journal.leave("r");
  expect(journal.runs()[0]).toMatchObject({ worker_pid: null, worker_identity: null });
});

test("a process is told from others whatever its command is called", async () => {
  const odd = join(folder, "a) 1 2 (b) 3");
  symlinkSync("/bin/sleep", odd);
  const child = spawn(odd, ["60"], { stdio: "ignore" });
  await new Promise((resolve) => child.once("spawn", resolve));
  const tick = (identity: string | null): number => Number(identity?.split("/").at(-1));
  expect(tick(identityOf(child.pid as number))).toBeGreaterThanOrEqual(tick(identityOf(process.pid)));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(identityOf(child.pid as number)).toBeNull();
});

test("a journal of an earlier version is read and gone on with; its workers are told by their ids alone", () => {
  journal.close();
  rmSync(file);
  const db = new DatabaseSync(file);
  db.exec(`create table configurations (hash text primary key, json text not null, stored_at text not null);
    create table runs (run_id text primary key, experiment text not null, folder text not null,
      configuration text not null references configurations(hash), started_at text not null, worker_pid integer);
    insert into configurations values ('h', '[]', '2020');
    insert into runs values ('living', 'e', '/nowhere', 'h', '2020', ${process.ppid}), ('left', 'e', '/nowhere', 'h', '2019', null)`);
  db.close();
  journal = new SqliteJournal(file);
  const second = new SqliteJournal(file);
  expect(second.runs().map((row) => [row.run_id, row.worker_identity, journal.worked(row)])).toEqual([
    ["living", null, true],
    ["left", null, false],
  ]);
  expect([second.takeOver("living"), second.takeOver("left")]).toEqual([false, true]);
  second.close();
});
