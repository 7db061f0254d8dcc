import { readFileSync } from "node:fs";
import { buildBundle } from "@mltb/firmware";
import { buildImage, missingImagePackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";
import { openBench } from "./bench.ts";
import { rp2040Image } from "./rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { LONG, runScenarios } from "./scenarios/run.ts";
import type { Scenario } from "./scenarios/scenario.ts";

const missing = missingImagePackages();
const heavy = (scenario: Scenario): boolean => scenario.heavy === true && !LONG;
/** Of the heavy ones an update runs in the short form too; over USB one that gives way does. */
const firstHeavy = scenarios.find((scenario) => scenario.heavy === true);
if (missing.length > 0) console.warn(`RP2040 image tests skip: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("RP2040 image", () => {
  test("carries the bundle that npm start loads: same hash, readable in the image itself", async () => {
    const image = await buildImage("rp2040");
    const { sha256 } = await buildBundle("monitoring");
    expect(image.bundle_sha256).toBe(sha256);
    expect(readFileSync(image.bin).includes(`mltb-bundle-sha256:${sha256}`)).toBe(true);
  });

  test("boots within 100 ms of its own time, sleeps when idle and writes no error", async () => {
    const rung = await rp2040Image();
    const bench = await openBench(rung);
    expect(bench.welcome()?.uptime_ms).toBeLessThan(100);
    await bench.run(1000);
    rung.board.load();
    await bench.run(1000);
    expect(rung.board.load()).toBeLessThan(0.2);
    expect(rung.debug.filter((line) => !line.startsWith("heap "))).toEqual([]);
    expect(rung.board.counters).toEqual({ restarts: 0, uart_overflows: 0 });
    // Interrupt FIFO levels: the emulator interrupts at every byte.
    expect([...rung.board.unmodelled]).toEqual([
      "UART0: Unimplemented peripheral write to 0x34: 0x1",
      "UART1: Unimplemented peripheral write to 0x34: 0x1",
    ]);
  });

  test("restart-of-the-controller: the session finds a new epoch and opens again", async () => {
    const rung = await rp2040Image();
    const bench = await openBench(rung);
    const before = bench.welcome()?.epoch;
    rung.board.restart();
    await bench.run(5000);
    bench.session.connect(0);
    await bench.run(1000);
    expect(bench.welcome()?.epoch).not.toBe(before);
    expect((await bench.request("echo", { data: "again" })).kind).toBe("answer");
  });

  runScenarios(
    "RP2040, UART",
    scenarios,
    async () => openBench(await rp2040Image()),
    (scenario) => heavy(scenario) && scenario !== firstHeavy,
  );
});
