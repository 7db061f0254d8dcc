import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mltb, type Running, run, start, tracked } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-reload-"));
const file = join(folder, "bay.yml");
const state = ["--state", join(folder, "state")];
let bay: Running | undefined;
afterAll(async () => {
  await bay?.end();
  rmSync(folder, { recursive: true });
});

const rack = (name: string, targets: string[]): string => {
  const list = targets.map(
    (target, n) => `      - { target: ${target}, channel: ${n + 1}, load: { idle_w: 1, cpu_w: 0 } }`,
  );
  return `  - rack: ${name}\n    board: { name: ${name}-b, kind: monitoring, link: simulated }\n    targets:\n${list.join("\n")}\n`;
};
const write = (...racks: string[]): void => writeFileSync(file, `bay: b\nracks:\n${racks.join("")}`);

/** Openings of a board's port since the bay came up. */
async function openings(board: string, of = "state"): Promise<number> {
  const { http } = JSON.parse(readFileSync(join(folder, of, "bay.json"), "utf8"));
  const token = readFileSync(join(folder, of, "token"), "utf8").trim();
  const response = await fetch(`${http}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const line = new RegExp(`mltb_link_port_events_total\\{board="${board}",event="opened"\\} (\\d+)`);
  return Number(line.exec(await response.text())?.[1]);
}

test("a reload touches only the racks whose part changed; faults and leased targets keep it from happening", async () => {
  write(rack("r1", ["keep"]), rack("r2", ["old"]));
  bay = await start("up", "--bay", file, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", ...state, "--json");
  expect((await run("power", "on", "keep", ...state)).code).toBe(0);

  write(rack("r1", ["keep"]), rack("r2", ["new", "more"]), rack("r3", ["third"]));
  const reloaded = await run("reload", ...state, "--json");
  expect(reloaded.err).toBe("");
  expect(JSON.parse(reloaded.out)).toEqual({ added: ["r3"], changed: ["r2"], removed: [], untouched: ["r1"] });
  expect(await openings("r1-b")).toBe(1);
  expect(JSON.parse((await run("power", "status", "keep", ...state, "--json")).out).power).toBe("on");
  expect((await run("power", "on", "old", ...state)).code).toBe(2);
  expect((await run("power", "on", "third", ...state)).code).toBe(0);

  writeFileSync(file, "bay: b\nracks:\n  - rack: r1\n    bord: {}\n");
  const faulty = await run("reload", ...state);
  expect(faulty.err).toMatch(/bay\.yml:4:5: error: unknown key bord/);
  expect(faulty.code).toBe(2);

  const lease = JSON.parse((await run("lease", "third", "--for", "5m", ...state, "--json")).out);
  write(rack("r1", ["keep"]), rack("r2", ["new", "more"]));
  const refused = await run("reload", ...state);
  expect(refused.err).toMatch(/third of rack r3 is leased/);
  expect(refused.code).toBe(3);
  expect((await run("lease", "release", lease.id, ...state)).code).toBe(0);
  expect(JSON.parse((await run("reload", ...state, "--json")).out)).toMatchObject({ removed: ["r3"] });
  expect(await bay.end()).toBe(0);
  bay = undefined;
}, 600_000);

test("boards at real terminal devices: a reload opens the port of the changed rack anew and no other, targets and leases stay, also over a restart with --on-end keep", async () => {
  const there = ["--state", join(folder, "serial")];
  const devices = ["board1", "board2", "board3"].map((name) => join(folder, name));
  const boards: Running[] = [];
  const serial = (name: string, device: string, target: string): string =>
    rack(name, [target])
      .replace("link: simulated", `link: { serial: ${device} }`)
      .replace(/, load: \{.*?\}/, "");
  try {
    for (const [n, device] of devices.entries()) {
      boards.push(
        await start("simulate", "board", "--kind", "monitoring", "--link", device, "--serial", `S${n}`, "--json"),
      );
    }
    const [one = "", two = "", three = ""] = devices;
    write(serial("r1", one, "keep"), serial("r2", two, "other"));
    const up = ["up", "--bay", file, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", ...there, "--json"];
    bay = await start(...up, "--on-end", "keep");
    const power = async (word: string, target: string) =>
      JSON.parse((await run("power", word, target, ...there, "--json")).out).power;
    expect(await power("on", "keep")).toBe("on");
    expect(await power("on", "other")).toBe("on");

    // The same port, opened again by a changed rack: its lock is free, and the board's target is still on.
    write(serial("r1", one, "keep"), serial("r2", two, "renamed"));
    expect(JSON.parse((await run("reload", ...there, "--json")).out)).toMatchObject({
      changed: ["r2"],
      untouched: ["r1"],
    });
    expect(await power("status", "renamed")).toBe("on");
    // Another board behind the same rack.
    write(serial("r1", one, "keep"), serial("r2", three, "renamed"));
    expect(JSON.parse((await run("reload", ...there, "--json")).out)).toMatchObject({ changed: ["r2"] });
    expect(await power("status", "renamed")).toBe("off");
    expect(await power("on", "renamed")).toBe("on");
    expect(await openings("r1-b", "serial")).toBe(1);
    expect(await power("status", "keep")).toBe("on");

    const lease = JSON.parse((await run("lease", "keep", "--for", "1h", ...there, "--json")).out).id;
    expect(await bay.end("SIGTERM")).toBe(0);
    bay = await start(...up);
    expect(await power("status", "keep")).toBe("on");
    expect(JSON.parse((await run("lease", "list", ...there, "--json")).out).leases).toMatchObject([{ id: lease }]);
    expect(await bay.end("SIGTERM")).toBe(0);
    bay = await start(...up);
    expect(await power("status", "keep")).toBe("off");
    expect(await bay.end()).toBe(0);
    bay = undefined;
  } finally {
    for (const board of boards) await board.end();
  }
}, 600_000);

const terminals = spawnSync("script", ["--version"]).error === undefined;
if (!terminals) console.warn("skipped: no script(1) (package bsdutils), which gives a command a terminal");
test.skipIf(!terminals)(
  "a bay that was started at a terminal reads its file again too, and its targets stay as they are",
  async () => {
    const there = ["--state", join(folder, "terminal")];
    write(rack("r1", ["keep"]));
    const words = ["up", "--bay", file, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", ...there, "--json"];
    const line = [process.execPath, mltb, ...words].map((word) => `'${word}'`).join(" ");
    const terminal = tracked(spawn("script", ["-qec", line, "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] }));
    const ended = new Promise<number | null>((resolve) => terminal.on("exit", resolve));
    await new Promise((resolve) => terminal.stdout.once("data", resolve));
    expect((await run("power", "on", "keep", ...there)).code).toBe(0);
    write(rack("r1", ["keep"]), rack("r2", ["more"]));
    expect(JSON.parse((await run("reload", ...there, "--json")).out)).toMatchObject({
      added: ["r2"],
      untouched: ["r1"],
    });
    expect(JSON.parse((await run("power", "status", "keep", ...there, "--json")).out).power).toBe("on");
    const { pid } = JSON.parse(readFileSync(join(folder, "terminal", "bay.json"), "utf8"));
    process.kill(pid, "SIGHUP");
    expect(await ended).not.toBeNull();
  },
  600_000,
);
