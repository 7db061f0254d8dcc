import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bodyCheck, PowerAction } from "@mltb/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, openBench } from "./bench.ts";
import { serialRung } from "./qemu-rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { runScenarios } from "./scenarios/run.ts";
import { power } from "./scenarios/scenario.ts";

/** `npm run test:images -- --port TTY [--kind KIND]`; without it a simulated board stands behind a pseudo-terminal. */
const given = process.env["MLTB_PORT"];
const kind = process.env["MLTB_KIND"] ?? "monitoring";
const cli = new URL("../../host/cli/bin/mltb.mjs", import.meta.url).pathname;

let folder = "";
let simulated: ChildProcess | undefined;
let nonce = Math.floor(Math.random() * 30_000);

/** `mltb simulate board`, until it says that it is ready. */
async function simulate(link: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [cli, "simulate", "board", "--kind", kind, "--link", link, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`mltb simulate board ended with ${code}`)));
  });
  return child;
}

/** The board, with channel 1 off and without a fault. */
async function open(): Promise<Bench> {
  nonce += 1;
  const rung = await serialRung(given ?? join(folder, "board"));
  const bench = await openBench({ ...rung, nonce });
  const state = await bench.request("channel_get", { channel: 1 });
  const fault = state.kind === "answer" ? state.body.fault : 0;
  if (fault !== 0) await bench.request("rearm", { channel: 1, fault, check: bodyCheck(1, fault, 0) });
  await power(bench, PowerAction.off);
  return bench;
}

describe("a board given by a port", () => {
  beforeAll(async () => {
    if (given !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), "mltb-port-"));
    simulated = await simulate(join(folder, "board"));
  });
  afterAll(async () => {
    if (simulated === undefined) return;
    const gone = new Promise((resolve) => simulated?.once("exit", resolve));
    simulated.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });

  test("is of the kind that was named", async () => {
    const bench = await open();
    const { kind: found } = bench.welcome() ?? {};
    // An open port would fail every scenario behind this one.
    await bench.stop();
    expect(found, "--kind").toBe(kind);
  });

  runScenarios(given === undefined ? "simulated board behind a port" : "board given by --port", scenarios, open);
});
