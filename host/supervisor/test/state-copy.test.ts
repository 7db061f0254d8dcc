import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backupState, inspectCopy, RESTORE_FILE, replaceState } from "../src/index.ts";
import { Database, DatabaseSync } from "../src/store/database.ts";
import { startTestBay, type TestBay } from "./bay.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-copy-"));
const copy = join(folder, "copy.db");
let bay: TestBay;

beforeAll(async () => {
  bay = await startTestBay();
});
afterAll(async () => {
  await bay.stop();
  rmSync(folder, { recursive: true });
});

const log = async (): Promise<{ action: string; target: string }[]> => (await bay.api("GET", "/api/v1/log")).json.lines;
const lease = (target: string) => bay.api("POST", "/api/v1/leases", { targets: [target], ttl_s: 600 });
const on = (key: string) =>
  bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "on" }, { "idempotency-key": key });

test("a copy is made and taken up while the bay runs: what is missing is added, and holders keep their leases", async () => {
  expect((await on("k1")).status).toBe(200);
  const kept = (await lease("spare-4")).json;
  const copied = await backupState(bay.state, copy);
  expect(copied).toMatchObject({ leases: 1, commands: expect.any(Number) });
  expect(inspectCopy(copy).commands).toBe(copied.commands);

  // The state of another day: the bay begins anew with an empty store, and the copy is taken up while it runs.
  await bay.restart(true, () => rmSync(join(bay.state, "state.db")));
  const mine = (await lease("spare-5")).json;
  copyFileSync(copy, join(bay.state, RESTORE_FILE));
  const taken = await bay.api("POST", "/api/v1/store/restore");
  expect(taken).toMatchObject({ status: 200, json: { leases: 1, commands: copied.commands } });
  const held = (await bay.api("GET", "/api/v1/leases")).json.leases.map((entry: { id: string }) => entry.id);
  expect(held.sort()).toEqual([kept.id, mine.id].sort());
  // Numbers only grow, and an id of the copy does not run again.
  const next = (await lease("spare-6")).json;
  expect(next.fence).toBeGreaterThan(kept.fence);
  await bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "off" });
  expect((await on("k1")).status).toBe(200);
  expect(bay.rail(3).switchOn).toBe(false);
  expect((await log()).filter((line) => line.action === "lease").map((line) => line.target)).toEqual(
    expect.arrayContaining(["spare-4", "spare-5", "spare-6"]),
  );
  const again = await bay.api("POST", "/api/v1/store/restore");
  expect(again.json).toMatchObject({ leases: 0, commands: 0 });
  for (const id of [...held, next.id]) await bay.api("DELETE", `/api/v1/leases/${id}`);
});

test("a copy of an older version is taken up while the bay runs, with the columns of now", async () => {
  const restored = join(bay.state, RESTORE_FILE);
  copyFileSync(copy, restored);
  const old = new DatabaseSync(restored);
  old.exec(`alter table audit drop column fence; pragma user_version = 2;
    insert into audit (id, at, user, role, source, origin, action, target, status)
      values (99999, '2026-01-01T00:00:00.000Z', 'eve', 'admin', 'api', 'test', 'power', 'of-old', 'done')`);
  old.close();
  expect((await bay.api("POST", "/api/v1/store/restore")).status).toBe(200);
  const { lines } = (await bay.api("GET", "/api/v1/log?target=of-old")).json;
  expect(lines).toMatchObject([{ user: "eve", fence: null }]);
});

test("a copy of a large store ends while commands are written all the time, and is whole", async () => {
  const busy = mkdtempSync(join(tmpdir(), "mltb-busy-"));
  const database = new Database(join(busy, "state.db"));
  const write = (name: string): void => {
    database.run(database.build.insertInto("numbers").values({ name, value: 1 }));
  };
  // More than 1,000 pages.
  database.transaction(() => {
    for (let n = 0; n < 10_000; n += 1) write(`${n} ${"x".repeat(500)}`);
  });
  const file = join(busy, "copy.db");
  let copied = false;
  const copying = backupState(busy, file).then(() => {
    copied = true;
  });
  let written = 0;
  for (; written < 20_000 && !copied; written += 1) {
    write(`later ${written}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(copied).toBe(true);
  await copying;
  const copy = new Database(file);
  expect(copy.count("numbers")).toBeGreaterThanOrEqual(10_000);
  expect(copy.count("numbers")).toBeLessThanOrEqual(10_000 + written);
  copy.close();
  database.close();
  rmSync(busy, { recursive: true });
});

test("what is no sound copy is refused and changes nothing", async () => {
  const before = (await log()).length;
  writeFileSync(join(bay.state, RESTORE_FILE), "not a database, but long enough to look at: ".repeat(100));
  expect(await bay.api("POST", "/api/v1/store/restore")).toMatchObject({ status: 422, json: { code: "malformed" } });
  expect((await log()).length).toBe(before);
  expect(() => replaceState(bay.state, join(folder, "nothing.db"))).toThrow("not found");
});

test("a damaged state store is told with its mend; the copy takes its place while the bay is down", () => {
  const down = mkdtempSync(join(tmpdir(), "mltb-down-"));
  writeFileSync(join(down, "state.db"), "broken ".repeat(1000));
  expect(() => new Database(join(down, "state.db"))).toThrow(expect.objectContaining({ code: "store_failed" }));
  replaceState(down, copy);
  const database = new Database(join(down, "state.db"));
  expect(database.count("commands")).toBe(inspectCopy(copy).commands);
  database.close();
  rmSync(down, { recursive: true });
});

test("full-disk: SQLite says that there is no room, and what was there stays readable", () => {
  const full = mkdtempSync(join(tmpdir(), "mltb-full-"));
  const database = new Database(join(full, "state.db"));
  database.pragma("max_page_count = 20");
  const write = (): void => {
    for (let n = 0; n < 10_000; n += 1) {
      database.run(
        database.build
          .insertInto("numbers")
          .values({ name: `n${database.count("numbers")}-${"x".repeat(500)}`, value: n }),
      );
    }
  };
  expect(write).toThrow(expect.objectContaining({ code: "store_failed", message: expect.stringContaining("full") }));
  expect(database.count("numbers")).toBeGreaterThan(10);
  database.close();
  rmSync(full, { recursive: true });
});
