import { readFileSync } from "node:fs";
import { buildImage, missingImagePackages } from "@mltb/firmware/images";
import { BundleFormat } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { random } from "../src/world/random.ts";
import { openBench } from "./bench.ts";
import { changedBundle, sha256, transfer } from "./bundles.ts";
import { cuts, record } from "./flash-record.ts";
import { rp2040Image } from "./rungs.ts";
import { LONG } from "./scenarios/run.ts";

/** Operations around which a slot's head and marks are written are all tried; of the rest a seeded choice. */
const CHOSEN = LONG ? 150 : 5;
const OLD = "0.1.0";
const NEW = "0.1.1";

describe.skipIf(missingImagePackages().length > 0)("update of the RP2040 image", () => {
  test("power-cut-during-update: the image boots from a flash cut at any operation, with a whole bundle; code in RAM alone spoke to the chip", async () => {
    const rung = await rp2040Image();
    const bench = await openBench(rung);
    const operations = record(rung.board.flash);
    const bytes = await changedBundle("newer", BundleFormat.bytecode_i64);
    // A tick answers one request: erases between two answers are erases of one tick.
    const erases = () => operations.filter((operation) => "erase" in operation).length;
    const ofTicks: number[] = [];
    const { request } = bench;
    bench.request = async (...args) => {
      const before = erases();
      const outcome = await request(...args);
      ofTicks.push(erases() - before);
      return outcome;
    };
    await transfer(bench, bytes, BundleFormat.bytecode_i64);
    bench.request = request;
    expect(Math.max(...ofTicks)).toBe(1);
    expect(erases()).toBeGreaterThan(10);
    const content = operations.length;
    const hash = sha256(bytes);
    expect(await bench.request("firmware_start", { hash })).toMatchObject({ kind: "answer" });
    await bench.run(1500);
    expect(await bench.request("firmware_confirm", { hash })).toMatchObject({ body: { hash } });
    const confirmed = operations.length;
    expect(bench.welcome()).toMatchObject({ firmware: NEW, reset_cause: 4 });
    expect([...rung.board.flashBus.violations]).toEqual([]);
    expect(rung.board.flash.counters).toEqual({ ignored: 0, unknown: 0 });
    expect(rung.board.counters.restarts).toBe(0);
    // The head, the mark of the first start, the mark of the confirmation.
    expect(confirmed - content).toBe(3);

    const source = random(5);
    const chosen = new Set(Array.from({ length: CHOSEN }, () => Math.floor(source.uniform() * content)));
    for (let n = content; n < confirmed; n += 1) chosen.add(n);
    const ran: string[] = [];
    const image = readFileSync((await buildImage("rp2040")).bin);
    for (const [n, flash] of cuts(operations, 3)) {
      if (!chosen.has(n)) continue;
      const again = await openBench(await rp2040Image("uart", "image", flash));
      const running = again.welcome()?.firmware ?? "none";
      ran.push(`${n} ${running}`);
      // Before the head is whole the old one runs; a mark that is cut counts as set or not.
      expect(n < content ? [OLD] : [OLD, NEW], `operation ${n} of ${confirmed}`).toContain(running);
      expect((await again.request("echo", { data: "up" })).kind).toBe("answer");
      expect(Buffer.compare(Buffer.from(flash.bytes.subarray(0x100, 0x100 + image.length)), image)).toBe(0);
    }
    expect(ran.length).toBe(chosen.size);
  });
});
