import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "@mltb/firmware";
import { missingImagePackages } from "@mltb/firmware/images";
import { afterAll, expect, test } from "vitest";
import { bundleFor } from "../src/commands/firmware.ts";
import { example, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-firmware-"));
const state = join(folder, "state");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("firmware update: a new bundle runs and is confirmed while the target stays on; a bad one gives way and says why", async () => {
  const listen = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const bay = await start("up", "--bay", example("demo-bay.yml"), ...listen, "--state", state, "--json");
  const firmware = (...args: string[]) => run("firmware", ...args, "--state", state, "--json");
  try {
    const { source } = await buildBundle("monitoring");
    const newer = join(folder, "newer.lua");
    writeFileSync(newer, source.replace(/(?<=VERSION_\d+=)"0\.1\.0"/, '"0.1.7"'), "latin1");
    const broken = join(folder, "broken.lua");
    writeFileSync(broken, 'error("not today")');

    const before = JSON.parse((await firmware("show", "rack1-monitor")).out);
    expect(before).toMatchObject({ version: "0.1.0", slot: 0, state: "factory", format: "source" });
    expect((await run("power", "on", "spare-3", "--state", state)).code).toBe(0);

    const update = await firmware("update", "rack1-monitor", "--file", newer);
    expect(JSON.parse(update.out)).toMatchObject({ version: "0.1.7", slot: 1, state: "confirmed", changed: true });
    expect(update.code).toBe(0);
    const target = JSON.parse((await run("power", "status", "spare-3", "--state", state, "--json")).out);
    expect(target).toMatchObject({ power: "on", fault: null });
    expect(target.voltage_v).toBeGreaterThan(4.5);

    const again = await firmware("update", "rack1-monitor", "--file", newer);
    expect(JSON.parse(again.out)).toMatchObject({ version: "0.1.7", changed: false });

    const refused = await firmware("update", "rack1-monitor", "--file", broken);
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.out).errors[0].message).toMatch(/did not start the new bundle and runs 0\.1\.7 again/);
    const log = JSON.parse((await firmware("log", "rack1-monitor")).out);
    expect(log.lines.map((line: { text: string }) => line.text).join("\n")).toMatch(/gave way: .*not today/);

    const own = await firmware("update", "rack1-monitor");
    expect(JSON.parse(own.out)).toMatchObject({ version: "0.1.0", state: "confirmed", changed: true });
    expect(own.code).toBe(0);

    const unknown = await firmware("show", "rack9-monitor");
    expect(unknown.code).toBe(2);
    expect(JSON.parse(unknown.out).errors[0].message).toBe("there is no board rack9-monitor; there are rack1-monitor");
    const missing = await firmware("update", "rack1-monitor", "--file", join(folder, "nowhere.lua"));
    expect(missing.code).toBe(2);
    expect(JSON.parse(missing.out).errors[0].message).toMatch(/nowhere\.lua not found/);
  } finally {
    expect(await bay.end()).toBe(0);
  }
}, 120_000);

test("this version's bundle for a board with an image is stripped bytecode of Lua 5.4 with 64-bit numbers; another format is refused", async ({
  skip,
}) => {
  const missing = missingImagePackages();
  skip(missing.length > 0, `stripping bytecode needs ${missing.join(" ")}`);
  const bytes = await bundleFor("bytecode-i64");
  // Signature, version, format; then, behind LUAC_DATA, sizes of instruction, integer and number (ldump.c).
  expect(Buffer.from(bytes.subarray(0, 6)).toString("latin1")).toBe("\x1bLua\x54\x00");
  expect([...bytes.subarray(12, 15)]).toEqual([4, 8, 8]);
  expect(bytes.length).toBeGreaterThan(10_000);
  await expect(bundleFor("bytecode-i16")).rejects.toThrow(/no bundle is built as bytecode-i16 here/);
}, 120_000);
