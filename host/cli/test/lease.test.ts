import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example, mltb, type Running, run, start, tracked } from "./mltb.ts";

const state = mkdtempSync(join(tmpdir(), "mltb-lease-"));
const at = ["--state", state];
let bay: Running;

beforeAll(async () => {
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--json"];
  bay = await start("up", "--bay", example("demo-bay.yml"), ...at, ...free);
});
afterAll(async () => {
  expect(await bay.end()).toBe(0);
  rmSync(state, { recursive: true });
});

const power = async (target: string): Promise<string> =>
  JSON.parse((await run("power", "status", target, ...at, "--json")).out).power;

test("lease prints what it got, list shows it, others are refused with 3, renew and release work", async () => {
  const got = await run("lease", "spare-3", "spare-4", "--for", "10m", ...at, "--json");
  expect(got.code).toBe(0);
  const lease = JSON.parse(got.out);
  expect(Object.keys(lease)).toEqual(expect.arrayContaining(["id", "targets", "holder", "expires_at", "fence"]));
  const refused = await run("lease", "spare-4", "--wait", "0", ...at, "--json");
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.out).errors[0].code).toBe("leased");
  expect((await run("power", "on", "spare-3", ...at)).code).toBe(3);
  expect(JSON.parse((await run("lease", "list", ...at, "--json")).out).leases).toHaveLength(1);
  const renewed = JSON.parse((await run("lease", "renew", lease.id, "--for", "2h", ...at, "--json")).out);
  expect(Date.parse(renewed.expires_at)).toBeGreaterThan(Date.parse(lease.expires_at));
  expect((await run("lease", "release", lease.id, ...at)).code).toBe(0);
  const log = JSON.parse((await run("log", "--target", "spare-3", ...at, "--json")).out);
  expect(log.lines.slice(-4).map((line: { action: string }) => line.action)).toEqual([
    "lease",
    "power",
    "lease-renew",
    "lease-end",
  ]);
}, 180_000);

test("a command runs under its lease, its exit code is passed on, and the target goes off", async () => {
  const script = `[ -n "$MLTB_LEASE" ] && [ "$MLTB_TARGETS" = spare-3 ] && "${process.execPath}" "${mltb}" power on spare-3 && exit 7`;
  const ended = await run("lease", "spare-3", ...at, "--", "sh", "-c", script);
  expect(ended.code).toBe(7);
  expect(ended.out).toContain("spare-3: on");
  expect(await power("spare-3")).toBe("off");
  expect((await run("lease", "spare-3", ...at, "--", "no-such-command")).code).toBe(2);
  expect((await run("lease", "--", "true")).code).toBe(2);
}, 180_000);

test("a command whose lease ends before it does is ended, and that is no success", async () => {
  const began = Date.now();
  const ended = await run("lease", "spare-3", "--for", "1s", ...at, "--", "sleep", "60");
  expect(ended.code).toBe(3);
  expect(ended.err).toContain("has ended; its targets are no longer yours");
  expect(Date.now() - began).toBeLessThan(30_000);
});

test.each([
  ["SIGINT", 130],
  ["SIGKILL", null],
] as const)("a lease ends when its command line is ended by %s", async (signal, code) => {
  const child = tracked(
    spawn(process.execPath, [mltb, "lease", "spare-5", ...at, "--", "sleep", "60"], {
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  await new Promise((resolve) => child.stderr.once("data", resolve));
  child.kill(signal);
  expect(await exited).toBe(code);
  const next = await run("lease", "spare-5", "--wait", "20", ...at, "--json");
  expect(next.code).toBe(0);
  await run("lease", "release", JSON.parse(next.out).id, ...at);
});
