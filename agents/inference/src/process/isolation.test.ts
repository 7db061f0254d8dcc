import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { probeIsolation } from "./isolation.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-isolated-"));
const path = process.env["PATH"];
afterEach(() => {
  process.env["PATH"] = path;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Programs of util-linux that find the kernel unwilling. */
function refusing(...programs: string[]): void {
  const bin = join(folder, programs.join("-"));
  mkdirSync(bin);
  for (const program of programs) {
    writeFileSync(join(bin, program), "#!/bin/sh\nexit 1\n");
    chmodSync(join(bin, program), 0o755);
  }
  process.env["PATH"] = `${bin}:${path}`;
}

/** What is said of a model's folder, and whether a process in the place of a model's can write there. */
async function told() {
  const models = mkdtempSync(join(folder, "models-"));
  const { network, model_folder, command } = await probeIsolation();
  const written = join(models, "written");
  const [program = "", ...args] = [...command(models, 2 ** 30, false), "touch", written];
  spawnSync(program, args);
  return { network, model_folder, writes: existsSync(written) };
}

test("a model's folder is said to be read-only where it is, and nowhere else", async () => {
  const { model_folder, writes } = await told();
  expect(model_folder).toBe(writes ? "writable" : "read-only");
});

test("without namespaces a model's folder is writable, and the agent says so", async () => {
  refusing("unshare");
  expect(await told()).toEqual({ network: "not isolated", model_folder: "writable", writes: true });
});

test("with namespaces in which nothing may be mounted a model's folder is writable too", async () => {
  refusing("mount");
  expect(await told()).toMatchObject({ model_folder: "writable", writes: true });
});
