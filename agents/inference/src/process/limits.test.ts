import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MemoryWatch, residentOf } from "./limits.ts";

const MEBI = 1024 ** 2;
const marked = existsSync("/proc/self/status") && readFileSync("/proc/self/status", "utf8").includes("VmHWM");
if (!marked) console.warn("skipped: this kernel keeps no mark of the largest resident size (VmHWM)");

test("the resident size and its largest are read from the kernel's lines; without a mark the size stands for both", () => {
  const status = "Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n";
  expect(residentOf(status)).toEqual({ now_bytes: 200 * 1024, peak_bytes: 300 * 1024 });
  expect(residentOf("VmRSS:\t  200 kB\n")).toEqual({ now_bytes: 200 * 1024, peak_bytes: 200 * 1024 });
});

test.skipIf(!marked)("a peak between two looks counts", async () => {
  // 300 MiB of pages, touched and given back before the next look, by a process that answers when it has done so.
  const program = `
    process.stdin.once("data", () => {
      let big = Buffer.alloc(${300 * MEBI}, 1);
      big = undefined;
      gc();
      process.stdout.write("done");
    });`;
  const child = spawn(process.execPath, ["--expose-gc", "-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  let tooLarge = 0;
  const watch = new MemoryWatch(child.pid, 10 * 1024 * MEBI, () => {
    tooLarge += 1;
  });
  // Its looks stop: what it knows then comes from the kernel's mark alone.
  watch.stop();
  child.stdin.write("go");
  await once(child.stdout, "data");
  expect(watch.peak_bytes).toBeGreaterThan(300 * MEBI);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  expect(watch.peak_bytes).toBeGreaterThan(300 * MEBI);
  expect(tooLarge).toBe(0);
});
