import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Call } from "../call.ts";
import { backupState, replaceState, STATE_FILE } from "./copy.ts";
import { Database, DatabaseSync } from "./database.ts";
import { Journal } from "./journal.ts";

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-journal-"));
  database = new Database(join(folder, STATE_FILE));
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const call = (name: string, args: object, feature = "power"): Call => ({
  caller: { source: "api", user: "ada", role: "operator", origin: "test", id: `${name} ${JSON.stringify(args)}` },
  kind: "target",
  name,
  feature,
  args,
});
const cycle = (name: string): Call => call(name, { state: "cycle", off_ms: 70 });
const foreign = (target: string): boolean => target !== "ours";
/** What the next start finds. */
const recover = () => new Journal(database).recover(foreign);
let seq = 0;
/** Commands that are accepted and never end, oldest first; their places in the journal. */
function accept(...calls: Call[]): number[] {
  const journal = new Journal(database);
  return calls.map((one) => journal.accept(one, ++seq, undefined));
}
const statusOf = (entry: number | undefined): string | undefined =>
  database.first(
    database.build
      .selectFrom("commands")
      .select("status")
      .where("id", "=", entry ?? 0),
  )?.status;

test("a cycle that was cut off is unfinished for every start until it is closed, and is answered once", () => {
  const [entry] = accept(cycle("lamp"));
  const first = recover();
  expect(first.orphans).toMatchObject([{ name: "lamp", result: { status: "unknown" } }]);
  const found = { entry, target: "lamp", user: "ada", accepted_seq: seq, off_ms: 70 };
  expect(first.unfinished).toEqual([found]);
  expect(recover()).toEqual({ orphans: [], unfinished: [found] });
  // A repetition under its id does not run again meanwhile.
  const key = JSON.stringify(["api", "ada", cycle("lamp").caller.id]);
  expect(new Journal(database).find(key)).toMatchObject({ result: { code: "outcome_unknown" } });
  new Journal(database).close(entry as number);
  expect(recover()).toEqual({ orphans: [], unfinished: [] });
  expect(statusOf(entry)).toBe("unknown");
});

test("a board of ours completes its cycles itself", () => {
  const [entry] = accept(cycle("ours"));
  expect(recover()).toMatchObject({ orphans: [{ name: "ours" }], unfinished: [] });
  expect(statusOf(entry)).toBe("unknown");
});

test.each([
  ["off", call("lamp", { state: "off" }), 0],
  ["off-floating", call("lamp", { state: "off-floating" }), 0],
  ["a strap sequence", call("lamp", {}, "strap"), 0],
  ["on", call("lamp", { state: "on" }), 1],
  ["another cycle", call("lamp", { state: "cycle", off_ms: 5 }), 1],
  ["a reset, which says nothing of power", call("lamp", {}, "reset"), 1],
  ["off of another target", call("fan", { state: "off" }), 1],
])("a cycle that was cut off, and behind it %s", (what, newer, left) => {
  const [older, newest] = accept(cycle("lamp"), newer);
  const open = what === "on" || what === "another cycle" ? newest : older;
  for (let starts = 0; starts < 2; starts += 1) {
    const { unfinished } = recover();
    expect(unfinished.map(({ entry }) => entry)).toEqual(left === 0 ? [] : [open]);
  }
  expect(statusOf(older)).toBe(left === 1 && open === older ? "accepted" : "unknown");
});

test("on without a cycle is unknown, and nobody switches on", () => {
  accept(call("lamp", { state: "on" }));
  expect(recover().unfinished).toEqual([]);
});

test("a newer command that has ended meanwhile closes it", () => {
  const [entry] = accept(cycle("lamp"));
  recover();
  const journal = new Journal(database);
  journal.end(journal.accept(call("lamp", { state: "off" }), ++seq, undefined), { status: "done", state: {} });
  expect(recover().unfinished).toEqual([]);
  expect(statusOf(entry)).toBe("unknown");
});

/** What runs while another process holds the file, as long as a full disk would. */
function unwritable(body: () => void): void {
  const other = new DatabaseSync(join(folder, STATE_FILE));
  other.exec("begin immediate");
  body();
  other.exec("rollback");
  other.close();
}

test.each([
  [
    "the next command that is accepted",
    (journal: Journal) => journal.accept(call("fan", { state: "on" }), ++seq, undefined),
  ],
  ["a refusal", (journal: Journal) => journal.refuse(call("fan", {}), { status: "done", state: {} })],
  ["another try", (journal: Journal) => journal.settle()],
])(
  "the end of a cycle that found the disk full is written with %s: no start completes what has ended",
  (_with, next) => {
    const journal = new Journal(database);
    const entry = journal.accept(cycle("lamp"), ++seq, undefined);
    unwritable(() => {
      expect(() => journal.end(entry, { status: "done", state: {} })).toThrow(
        expect.objectContaining({ code: "store_failed" }),
      );
      expect(() => journal.settle()).toThrow(expect.objectContaining({ code: "store_failed" }));
    });
    expect(statusOf(entry)).toBe("accepted");
    next(journal);
    expect(statusOf(entry)).toBe("done");
    expect(recover().unfinished).toEqual([]);
  },
);

test("so is the closing of a cycle that was completed", () => {
  const [entry] = accept(cycle("lamp")) as [number];
  const journal = new Journal(database);
  expect(journal.recover(foreign).unfinished).toHaveLength(1);
  unwritable(() => expect(() => journal.close(entry)).toThrow());
  journal.settle();
  expect(recover().unfinished).toEqual([]);
});

/** Commands of another time that have ended, numbered from 1 on; `key` is their number. */
function fill(count: number, age_ms: number): void {
  const at = new Date(Date.now() - age_ms).toISOString();
  database.execute(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
    insert into commands (id, key, at, user, source, kind, name, feature, args, status, result)
      select i, i, '${at}', 'ada', 'mqtt', 'target', 'lamp', 'power', '{}', 'refused', '{}' from n`);
}
const MINUTE_MS = 60_000;

test.each([
  ["younger than an hour all stay", 30_000, 59 * MINUTE_MS, 1],
  ["older than an hour the newest 20,000 stay", 30_000, 61 * MINUTE_MS, 11_000],
  ["younger than an hour 100,000 stay at most", 103_000, MINUTE_MS, 4_000],
])("of ids that have come, those %s", (_what, count, age_ms, oldest) => {
  fill(count, age_ms);
  const journal = new Journal(database);
  for (let n = 0; n < 1000; n += 1) {
    journal.refuse(call("lamp", { n }), { status: "done", state: {} });
  }
  expect(journal.find(String(oldest))).toBeDefined();
  if (oldest > 1) expect(journal.find(String(oldest - 1))).toBeUndefined();
});

test("what was under way in a copy of another day is unknown, and completed by nobody", async () => {
  const [entry] = accept(cycle("lamp"));
  const copy = join(folder, "copy.db");
  await backupState(folder, copy);
  database.close();
  replaceState(folder, copy);
  database = new Database(join(folder, STATE_FILE));
  expect(statusOf(entry)).toBe("unknown");
  expect(recover()).toEqual({ orphans: [], unfinished: [] });
});
