import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventError } from "./machine.ts";
import { SqliteJournal } from "./sqlite-journal.ts";
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
