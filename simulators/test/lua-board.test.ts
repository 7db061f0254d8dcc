import { buildBundle } from "@mltb/firmware";
import { allMessages, PowerAction } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { createLuaBoard, createMonitoringElectronics, createSimulatedRack, handleControl } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { floorLuaBoard, luaBoard, rackRung } from "./rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { runScenarios } from "./scenarios/run.ts";
import { power, rail } from "./scenarios/scenario.ts";
import { snapshotTest } from "./snapshot.ts";

runScenarios("Lua board (wasmoon)", scenarios, async () => openBench(await luaBoard()));

describe("floor bundle", () => {
  runScenarios("Lua board, floor (wasmoon)", scenarios, async () => openBench(await floorLuaBoard()));
});

describe("Lua board in a WebAssembly instance of wasmoon of its own", () => {
  snapshotTest(async () => "own-wasmoon");
});

test("the bundle describes its whole message table, line by line, as the host has it", async () => {
  const bench = await openBench(await luaBoard());
  let told = "";
  let asked = 0;
  for (let first = 1; first !== 0; asked += 1) {
    const part = await bench.request("describe", { first });
    if (part.kind !== "answer") throw new Error(`describe ${first}: ${JSON.stringify(part)}`);
    told += part.body.data;
    first = part.body.next;
  }
  const lines = told.split("\n").slice(0, -1);
  const described = lines.map((line) => {
    const [, name, id] = /^(\w+) (0x[0-9a-f]{2}) /.exec(line) ?? [];
    return `${name} ${Number(id)}`;
  });
  expect(described).toEqual(
    allMessages()
      .sort((a, b) => a.id - b.id)
      .map(({ name, id }) => `${name} ${id}`),
  );
  // The lines are those of the table: their fields are read from them.
  const echo = lines.find((line) => line.startsWith("echo "));
  expect(echo).toBe("echo 0x0b request:echo_answer host data:rest --");
  expect(asked).toBeGreaterThan(5);
  await bench.stop();
});

test("an endless loop in Lua is stopped by the instruction limit", async () => {
  const hal = {
    ...createMonitoringElectronics(1, []).hal,
    link_write: () => undefined,
    link_room: () => 0,
    serial: () => "",
    epoch: () => 0,
    reset_cause: () => 0,
    heap_bytes: () => 0,
  };
  const bundle = "return {boot=function() return {rx=function() end, tick=function() while true do end end} end}";
  const board = await createLuaBoard({ bundle, hal, instructionLimit: 1_000_000 });
  expect(() => board.tick(1)).toThrow(/instruction limit/);
  const spent = board.instructions();
  board.budget(3_000_000);
  expect(() => board.tick(2)).toThrow(/instruction limit/);
  expect((board.instructions() - spent) / spent).toBeGreaterThan(2.5);
  board.close();
});

test("an error that a bundle lets out restarts the controller: outputs go off, and the cause is told as software (2)", async () => {
  let fails = false;
  const rack = await createSimulatedRack({
    rack: "bench",
    serial: "V1",
    bundle: (await buildBundle("monitoring")).source,
    seed: 1,
    clock: "virtual",
    targets: [],
    hal: (hal) => ({
      ...hal,
      sweep_take() {
        if (!fails) return hal.sweep_take();
        fails = false;
        throw new Error("the sweep is broken");
      },
    }),
  });
  const bench = await openBench(await rackRung(rack));
  await power(bench, PowerAction.on);
  expect(bench.welcome()?.reset_cause).toBe(0);
  fails = true;
  await bench.run(20);
  expect([fails, rail(bench).switchOn]).toEqual([false, false]);
  await bench.run(2500);
  expect(bench.welcome()?.reset_cause).toBe(2);
  await bench.stop();
});

test("the control socket reads the display, presses buttons and refuses what it does not know", async () => {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const { rack } = rung;
  const bay = { board: () => rack, rack: () => rack, target: () => rack };
  expect(handleControl(bay, { get: "lcd", rack: "r" })).toMatchObject({
    lines: [expect.stringMatching(/^1 /), expect.anything(), expect.anything(), expect.anything()],
  });
  expect(handleControl(bay, { press: "down", rack: "r", ms: 100 })).toMatchObject({ ok: true });
  await bench.run(600);
  expect(rack.electronics.lcd.rows()[0]).toMatch(/^2 /);
  expect(handleControl(bay, { press: "left", rack: "r" })).toHaveProperty("error");
  expect(handleControl(bay, { get: "moon" })).toHaveProperty("error");
  await bench.stop();
});
