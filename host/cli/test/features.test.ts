import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example, type Running, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-features-"));
const socket = join(folder, "control");
const state = ["--state", join(folder, "state")];
const token = (file: string): string[] => ["--url", http, "--token-file", file];
/** A command takes as long as a busy machine lets it. */
const patience = { timeout: 30_000 };
let bay: Running;
let http: string;

beforeAll(async () => {
  const listeners = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const file = join(folder, "bay.yml");
  const straps = "straps: { recovery: [{ power: off, wait_ms: 20 }, { power: on, wait_ms: 20 }] }";
  const own = `target: spare-6, limits: { slow_a: 1.5 }, ${straps}`;
  writeFileSync(file, readFileSync(example("demo-bay.yml"), "utf8").replace("target: spare-6", own));
  bay = await start(...["up", "--bay", file, ...listeners, ...state, "--sim-control", socket, "--json"]);
  http = bay.ready["http"] as string;
});
afterAll(async () => {
  await bay.end();
  rmSync(folder, { recursive: true });
});

/** Asks the simulation itself. */
function control(question: object): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    connection.once("error", reject);
    connection.once("data", (chunk) => {
      connection.destroy();
      resolve(JSON.parse(String(chunk)));
    });
    connection.write(`${JSON.stringify(question)}\n`);
  });
}

test("locate shows the target on the rack's display, for the time that is asked for", async () => {
  const located = await run("locate", "spare-7", "--duration-ms", "60000", ...state);
  expect([located.code, located.out]).toEqual([0, "spare-7: channel 7 of rack1 shows it\n"]);
  await expect
    .poll(async () => JSON.stringify(await control({ get: "lcd", rack: "rack1" })), patience)
    .toContain("spare-7");
  expect((await run("locate", "spare-7", "--duration-ms", "0", ...state, "--json")).code).toBe(0);
  const wrong = await run("locate", "spare-7", "--duration-ms", "1e9", ...state);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("a whole number from 0 to 65535")]);
  expect((await run("locate", "spare-9", ...state)).code).toBe(2);
});

test("strap runs a sequence of the bay file; health tells the limits that the board has read back; markers an edge", async () => {
  const strapped = await run("strap", "spare-6", ...state);
  expect([strapped.code, strapped.out]).toEqual([0, expect.stringMatching(/^spare-6: on .*recovery is through/)]);
  const none = await run("strap", "spare-6", "nothing", ...state);
  expect([none.code, none.err]).toEqual([2, expect.stringContaining("add it to the target's straps")]);
  expect((await run("strap", "spare-66", ...state)).code).toBe(2);
  const read = async () => JSON.parse((await run("health", "spare-6", ...state, "--json")).out);
  await expect
    .poll(async () => (await read()).limits, patience)
    .toMatchObject({ slow_a: 1.5, hard_a: 2.95, under_v: 0 });
  expect(await read()).toMatchObject({ board: "ready", refused: [], uptime_ms: expect.any(Number) });
  expect(await run("health", "spare-6", ...state)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^limits\.slow_a +1\.5$/m),
  });
  expect(await run("health", ...state)).toMatchObject({ code: 0, out: expect.stringMatching(/rack1-monitor +ready/) });
  expect((await run("health", "spare-66", ...state)).code).toBe(2);
  expect(await run("markers", "spare-6", ...state)).toMatchObject({ code: 0, out: "spare-6: no edge was seen\n" });
  expect((await run("markers", "spare-66", ...state)).code).toBe(2);
});

test("faults: exit 1 while there are any; --rearm clears them when the cause is gone", async () => {
  expect(await run("faults", ...state)).toMatchObject({ code: 0, out: "no latched faults\n" });
  expect((await run("power", "on", "spare-4", ...state)).code).toBe(0);
  await control({ fault: "short", target: "spare-4" });
  await expect.poll(async () => (await run("faults", "spare-4", ...state)).code, patience).toBe(1);
  const { out, code } = await run("faults", ...state, "--json");
  expect([code, JSON.parse(out)]).toMatchObject([1, [{ target: "spare-4", id: expect.any(String) }]]);
  expect(await run("power", "on", "spare-4", ...state)).toMatchObject({
    code: 3,
    err: expect.stringMatching(/^error: .*latched.*rearm/),
  });
  await control({ fault: "none", target: "spare-4" });
  expect((await run("faults", "spare-4", "--rearm", ...state)).code).toBe(0);
  expect((await run("power", "on", "spare-4", ...state)).code).toBe(0);
  expect((await run("faults", "spare-44", ...state)).code).toBe(2);
});

test("watch tells what happens, of one target where asked, as lines or as documents", async () => {
  const all = run("watch", "--count", "10", ...state, "--json");
  const one = run("watch", "--target", "spare-5", "--count", "2", ...state);
  // The first event of a target is its state as it is.
  let ended = false;
  void one.then(() => {
    ended = true;
  });
  for (let n = 0; !ended && n < 20; n += 1) await run("power", n % 2 === 0 ? "on" : "off", "spare-5", ...state);
  const { code, out } = await one;
  expect(code).toBe(0);
  const lines = out.trim().split("\n");
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^\w+ +spare-5/);
  const documents = (await all).out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(documents).toHaveLength(10);
  expect(documents.filter(({ event }) => event === "power").length).toBeGreaterThanOrEqual(8);
  expect((await run("watch", "--target", "spare-55", ...state)).code).toBe(2);
});

test("metrics --textfile puts whole files in place of whole files; other names and folders are refused", async () => {
  const file = join(folder, "mltb.prom");
  writeFileSync(file, "old");
  const { code, out } = await run("metrics", "--textfile", file, ...state, "--json");
  expect(code).toBe(0);
  const text = readFileSync(file, "utf8");
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(JSON.parse(out)).toEqual({ textfile: file, samples: samples.length });
  expect(samples.some((line) => line.startsWith('mltb_target_voltage_volts{target="spare-3"'))).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readdirSync(folder).filter((name) => name.includes(".prom"))).toEqual(["mltb.prom"]);
  expect((await run("metrics", "--textfile", join(folder, "mltb.txt"), ...state)).code).toBe(2);
  expect((await run("metrics", "--textfile", join(folder, "no", "x.prom"), ...state)).code).toBe(2);
  expect((await run("metrics", ...state)).out).toContain("# TYPE mltb_target_voltage_volts gauge");
});

test("trace keeps what went over a link, and replay concludes from it what the bay knows; console ends where it is asked to", async () => {
  const file = join(folder, "link.trace");
  const kept = await run("trace", "rack1-monitor", "--out", file, ...state, "--json");
  expect([kept.code, JSON.parse(kept.out)]).toMatchObject([0, { file, board: "rack1-monitor" }]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const shown = await run("trace", file);
  expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/ ms rx stream .* sample_block /) });
  const replayed = await run("replay", file, "--json");
  expect(replayed.code).toBe(0);
  const end = JSON.parse(replayed.out.trim().split("\n").at(-1) ?? "");
  expect(end).toMatchObject({ event: "end", faulty_pieces: 0, unreadable: 0 });
  expect(end.targets).toHaveLength(8);
  expect((await run("replay", join(folder, "no.trace"))).code).toBe(2);
  expect((await run("trace", "rack9-monitor", ...state)).code).toBe(2);
  expect((await run("console", "spare-3", "--no-follow", ...state)).code).toBe(0);
  expect((await run("console", "spare-33", "--no-follow", ...state)).code).toBe(2);
});

test("token: made for a role, kept as a hash, refused within a second when it is revoked", async () => {
  const file = join(folder, "eve.token");
  const added = await run("token", "add", "eve", "--role", "viewer", "--out", file, ...state);
  expect([added.code, added.out.trim()]).toEqual([0, file]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const value = readFileSync(file, "utf8").trim();
  expect(value).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(readFileSync(join(folder, "state", "tokens.json"), "utf8")).not.toContain(value);
  await expect.poll(async () => (await run("status", ...token(file))).code, patience).toBe(0);
  expect(await run("power", "off", "spare-5", ...token(file))).toMatchObject({
    code: 3,
    err: expect.stringContaining("eve is viewer; this takes operator"),
  });
  expect(JSON.parse((await run("token", "list", ...state, "--json")).out)).toMatchObject([
    { name: "eve", role: "viewer" },
  ]);
  expect((await run("token", "add", "eve", ...state)).code).toBe(2);
  expect((await run("token", "add", "Eve!", ...state)).code).toBe(2);
  expect((await run("token", "revoke", "eve", ...state)).code).toBe(0);
  await expect.poll(async () => (await run("status", ...token(file))).code, patience).toBe(3);
  expect((await run("token", "revoke", "eve", ...state)).code).toBe(2);
});

test("calibration get prints a file that set takes; faults of a file are told with their lines", async () => {
  const file = join(folder, "spare-3.yml");
  const before = await run("calibration", "get", "spare-3", ...state);
  expect(before.out).toContain("# spare-3: nominal values of the parts: the board stores no calibration");
  writeFileSync(file, before.out.replace("fast_ppm: 0", "fast_ppm: -1200").replace("at_c: 25", "at_c: 22.5"));
  const stored = await run("calibration", "set", "spare-3", file, ...state);
  expect([stored.code, stored.err]).toEqual([0, ""]);
  expect(stored.out).toMatch(/what the board stores[\s\S]*fast_ppm: -1200\n[\s\S]*at_c: 22.5/);
  const after = await run("calibration", "get", "spare-3", ...state, "--json");
  expect(JSON.parse(after.out)).toMatchObject({ source: "board", record: { fast_ppm: -1200, at_c: 22.5 } });
  writeFileSync(file, "fast_ppm: 99999\ngain: 3\n");
  const wrong = await run("calibration", "set", "spare-3", file, ...state);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toMatch(/spare-3\.yml:1:11: error: fast_ppm.*\n.*spare-3\.yml:2:1: error: unknown key gain/);
});
