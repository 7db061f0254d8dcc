import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { BayTarget } from "@mltb/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BayHub, createHub } from "../events.ts";
import { TargetConsole } from "./console.ts";

let folder: string;
let hub: BayHub;
let port: PassThrough;
let lines: string[];
let boots: string[];
let console: TargetConsole;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-console-"));
  hub = createHub();
  port = new PassThrough();
  lines = [];
  boots = [];
  hub.on("console", (_target, line) => lines.push(line));
  hub.on("boot", (_target, { state, boot_ms }) => boots.push(boot_ms === null ? state : `${state} ${boot_ms > 0}`));
  const target = { target: "t1", ready: { pattern: "login: ?$", timeout_s: 0.2 } } as BayTarget;
  console = new TargetConsole(target, port, hub, folder);
});

afterEach(async () => {
  await console.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const power = (state: string): void => void hub.emit("power", { name: "t1", power: state } as never, "command", "api");
const lease = (id: string | null): void =>
  void hub.emit("lease", "t1", id === null ? null : ({ id, holder: "ada" } as never));

test("lines come in any pieces, without their ends; a line that never ends is cut, and bytes are not kept without limit", async () => {
  port.write("one\r\ntw");
  port.write("o\n");
  await settled();
  expect(lines).toEqual(["one", "two"]);
  port.write("x".repeat(1_000_000));
  port.write("\nend\n");
  await settled();
  expect(lines.at(-1)).toBe("end");
  expect(lines.slice(2, -1).every((line) => line.length <= 2000)).toBe(true);
  expect(lines.slice(2, -1).join("").length).toBe(1_000_000);
  expect(console.tail(1)).toMatchObject([{ line: "end" }]);
});

test("boot: from power on to a prompt that ends with no line feed; late ones are told; off begins anew", async () => {
  power("off");
  power("changing");
  await settled();
  port.write("starting\nhost login:");
  await settled();
  expect(boots).toEqual(["off", "booting", "ready true"]);
  power("on");
  power("off");
  power("on");
  port.write("no prompt this time\n");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(boots).toEqual(["off", "booting", "ready true", "off", "booting", "timeout"]);
  port.write("host login: ");
  await settled();
  expect(console.boot).toEqual({ state: "timeout", boot_ms: null });
  expect(console.boots).toEqual({ ready: 1, timeout: 1 });
});

test("a target that was on before anybody looked is neither off nor booting, whatever its console says", async () => {
  power("on");
  port.write("host login: \n");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([boots, console.boots]).toEqual([[], { ready: 0, timeout: 0 }]);
  // A cycle opens its switch first.
  power("changing");
  expect([boots, console.boot.state]).toEqual([[], "unknown"]);
  power("off");
  power("changing");
  await settled();
  port.write("host login: \n");
  await settled();
  expect(boots).toEqual(["off", "booting", "ready true"]);
});

test("a lease that a target is under already, as after a restart, is recorded on; a port that it holds is given back", async () => {
  await console.stop();
  let held = true;
  const stream = new PassThrough();
  const stop = async () => {
    held = false;
  };
  console = new TargetConsole({ target: "t2" } as BayTarget, { stream, stop }, hub, folder, {
    id: "L7",
    holder: "ada",
  });
  stream.write("still here\n");
  await settled();
  expect(readFileSync(console.log.file("L7") ?? "", "utf8")).toContain("still here");
  expect(held).toBe(true);
  await console.stop();
  expect(held).toBe(false);
});

test("each lease has a record of its own, between who held it and how many lines there were", async () => {
  port.write("before\n");
  await settled();
  lease("lease_1-A");
  port.write("under the first\n");
  await settled();
  lease("lease-2");
  port.write("under the second\n");
  await settled();
  lease(null);
  port.write("after\n");
  await settled();
  const read = (id: string): object[] =>
    readFileSync(console.log.file(id) as string, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  expect(read("lease_1-A")).toMatchObject([
    { event: "lease", id: "lease_1-A", holder: "ada" },
    { line: "under the first" },
    { event: "end", lines: 1, dropped: 0 },
  ]);
  expect(read("lease-2")).toMatchObject([{ id: "lease-2" }, { line: "under the second" }, { event: "end" }]);
  expect(console.log.file("../lease_1-A")).toBeUndefined();
  expect(console.log.file("lease-3")).toBeUndefined();
});

test("a record that is full stays below its limit and counts what it leaves out", async () => {
  lease("big");
  for (let n = 0; n < 60; n += 1) {
    port.write(`${"y".repeat(1990)}\n`.repeat(100));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settled();
  lease(null);
  const file = console.log.file("big") as string;
  expect(statSync(file).size).toBeLessThanOrEqual(10 * 1024 * 1024);
  const end = JSON.parse(readFileSync(file, "utf8").trim().split("\n").at(-1) as string);
  expect(end.lines + end.dropped).toBe(6000);
  expect(end.dropped).toBe(console.log.dropped.full);
  expect(end.dropped).toBeGreaterThan(0);
});

test("only the newest records are kept", () => {
  for (let n = 0; n < 40; n += 1) lease(`lease-${n}`);
  lease(null);
  expect(readdirSync(join(folder, "t1"))).toHaveLength(32);
  expect(console.log.file("lease-39")).toBeDefined();
});

test("boot: a cycle and a reset begin anew, though the state never says off", async () => {
  power("off");
  power("changing");
  power("on");
  await settled();
  port.write("host login: \n");
  await settled();
  power("changing");
  hub.emit("begin", "t1");
  expect(console.boot.state).toBe("booting");
  power("on");
  await settled();
  port.write("host login: \n");
  await settled();
  hub.emit("begin", "t1");
  await settled();
  port.write("host login: \n");
  await settled();
  expect(boots).toEqual(["off", "booting", "ready true", "booting", "ready true", "booting", "ready true"]);
  expect(console.boots).toEqual({ ready: 3, timeout: 0 });
});
