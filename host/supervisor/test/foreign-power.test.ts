import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBayFile } from "@mltb/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policyCaller } from "../src/call.ts";
import { Commands } from "../src/commands.ts";
import { Board } from "../src/device/board.ts";
import { runCommand } from "../src/device/exec-run.ts";
import { createHub } from "../src/events.ts";
import { bayPorts, linkTransport } from "../src/link/open.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-foreign-"));
const log: string[] = [];
let board: Board;
let commands: Commands;

/** A power strip as a program: one file a socket; verbs that hang or lie on request. */
const strip = `#!/bin/sh
echo "$*" >> ${folder}/calls
[ -e ${folder}/slow ] && sleep 0.3
[ -e ${folder}/slower ] && sleep 1.5
[ -e ${folder}/hang ] && exec sleep 60
[ -e ${folder}/fail ] && { echo "socket $2 is broken" >&2; exit 7; }
case $1 in
  status) cat ${folder}/socket$2 2>/dev/null || echo off;;
  *) [ -e ${folder}/lie ] || echo $1 > ${folder}/socket$2;;
esac
`;

const bayFile = `bay: b
racks:
  - rack: r
    board:
      name: strip
      kind: foreign
      link:
        exec:
          time_limit_s: 4
          commands:
            on: [${folder}/strip, "on", "{channel}"]
            off: [${folder}/strip, "off", "{channel}"]
            status: [${folder}/strip, status, "{channel}"]
    targets:
      - { target: lamp, channel: 1 }
      - { target: fan, channel: 2 }
`;

beforeAll(async () => {
  writeFileSync(join(folder, "strip"), strip);
  chmodSync(join(folder, "strip"), 0o755);
  writeFileSync(join(folder, "bay.yml"), bayFile);
  const read = readBayFile(join(folder, "bay.yml"));
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  const [rack] = read.bay.racks as [(typeof read.bay.racks)[0]];
  const hub = createHub();
  hub.on("log", (_board, _level, text) => log.push(text));
  board = new Board(rack, linkTransport(rack, bayPorts(read.bay)), hub, 3);
  commands = new Commands([board]);
  board.start();
  await until(() => commands.targets().every((target) => target.power === "off"));
});
afterAll(async () => {
  await board.stop();
  rmSync(folder, { recursive: true });
});

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 2000 && !holds(); n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}
const power = (target: string, args: object) => commands.run(policyCaller("test"), "target", target, "power", args);
const flag = (name: string, on: boolean): void =>
  on ? writeFileSync(join(folder, name), "") : rmSync(join(folder, name), { force: true });

test("on and off run the commands; the answer is marked unproved and measures nothing", async () => {
  expect(await power("lamp", { state: "on" })).toMatchObject({
    status: "done",
    state: {
      name: "lamp",
      power: "on",
      unproved: true,
      voltage_v: null,
      current_a: null,
      power_w: null,
      energy_j: null,
    },
  });
  expect(readFileSync(join(folder, "socket1"), "utf8")).toBe("on\n");
  expect(await power("lamp", { state: "cycle", off_ms: 50 })).toMatchObject({ status: "done", state: { power: "on" } });
  const calls = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
  expect(calls.filter((line) => line.startsWith("o")).slice(-2)).toEqual(["off 1", "on 1"]);
  expect(await power("lamp", { state: "off" })).toMatchObject({
    status: "done",
    state: { power: "off", unproved: true },
  });
});

test("pdudaemon: a shell command that fails is answered 200: a command that fails is no success; its words are in the log", async () => {
  flag("fail", true);
  expect(await power("fan", { state: "on" })).toMatchObject({ status: "failed", code: "not_confirmed" });
  flag("fail", false);
  expect(log.join("\n")).toContain("strip ended with 7: socket 2 is broken");
});

test("a strip that says done and is not: status disagrees, and that is no success", async () => {
  flag("lie", true);
  expect(await power("fan", { state: "on" })).toMatchObject({ status: "failed", state: { power: "off" } });
  flag("lie", false);
});

test("a command that hangs is killed after its time limit, and the other target is not kept waiting", async () => {
  flag("hang", true);
  const hanging = power("fan", { state: "on" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  flag("hang", false);
  expect(await power("lamp", { state: "on" })).toMatchObject({ status: "done" });
  let ended = false;
  void hanging.then(() => {
    ended = true;
  });
  await Promise.resolve();
  expect(ended).toBe(false);
  expect(await hanging).toMatchObject({ status: "failed" });
  expect(log.join("\n")).toContain("took longer than 4 s and was killed");
});

test("jumpstarter#125 certain boards are slower than the time-out: a strip whose commands take longer than a board's would is waited for", async () => {
  flag("slower", true);
  expect(await power("fan", { state: "on" })).toMatchObject({ status: "done", state: { power: "on" } });
  flag("slower", false);
  expect(await power("fan", { state: "off" })).toMatchObject({ status: "done" });
}, 30_000);

test("the newest command wins over one that runs", async () => {
  flag("slow", true);
  const first = power("lamp", { state: "cycle", off_ms: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = power("lamp", { state: "off" });
  expect(await first).toMatchObject({ status: "refused", code: "superseded" });
  expect(await second).toMatchObject({ status: "done", state: { power: "off" } });
  flag("slow", false);
  expect(readFileSync(join(folder, "socket1"), "utf8")).toBe("off\n");
});

test("what it cannot do it refuses; items of a command never meet a shell", async () => {
  const reset = await commands.run(policyCaller("test"), "target", "lamp", "reset", {});
  expect(reset).toMatchObject({ status: "refused" });
  await runCommand(["/bin/echo", `$(touch ${folder}/shell); {target}`], { target: "x", channel: 1 }, 1000);
  expect(existsSync(join(folder, "shell"))).toBe(false);
  expect(await runCommand(["/bin/echo", "{target}:{channel}"], { target: "x", channel: 4 }, 1000)).toEqual({
    ok: true,
    text: "x:4",
  });
  expect((await runCommand(["/nowhere/x"], { target: "x", channel: 4 }, 1000)).ok).toBe(false);
});
