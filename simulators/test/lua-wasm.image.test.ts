import { buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";
import { createLuaBoard } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { floorLuaBoard, luaBoard } from "./rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { runScenarios } from "./scenarios/run.ts";
import { snapshotTest } from "./snapshot.ts";

const missing = missingWasmPackages();
if (missing.length > 0) console.warn(`Lua as WebAssembly skips: apt-get install ${missing.join(" ")}`);

describe("Lua board with the Lua that wasmoon carries", () => {
  runScenarios("Lua board (wasmoon)", scenarios, async () => openBench(await luaBoard()));
});

describe("floor bundle with the Lua that wasmoon carries", () => {
  runScenarios("Lua board, floor (wasmoon)", scenarios, async () => openBench(await floorLuaBoard()));
});

describe.skipIf(missing.length > 0)("floor bundle with the firmware's own Lua, 32-bit integers and floats", () => {
  runScenarios("Lua board, floor (own, 32 bit)", scenarios, async () =>
    openBench(await floorLuaBoard({ wasm: await buildLuaWasm("i32"), numbers: "i32" })),
  );
});

for (const [numbers, title] of [
  ["i64", "64-bit integers and doubles"],
  ["i32", "32-bit integers and floats"],
] as const) {
  describe.skipIf(missing.length > 0)(`Lua board with the firmware's own Lua, ${title}`, () => {
    const rung = numbers === "i64" ? "Lua board (own, 64 bit)" : "Lua board (own, 32 bit)";
    runScenarios(rung, scenarios, async () =>
      openBench(await luaBoard({ wasm: await buildLuaWasm(numbers), numbers })),
    );

    test("has integers of that width, and errors that stay inside pcall", async () => {
      const said: (string | number)[] = [];
      const board = await createLuaBoard({
        bundle: `return { boot = function(hal)
          hal.say(math.maxinteger == 2147483647 and 32 or 64)
          local ok, message = pcall(function() error("thrown", 0) end)
          hal.say(tostring(ok) .. " " .. message)
          local _, deep = pcall(function() local function f() return 1 + f() end return f() end)
          hal.say(deep:match("stack overflow") or deep:match("not enough memory") or deep)
          return { rx = function() while true do end end, tick = function() return 1 end }
        end }`,
        hal: { say: (text: string | number) => void said.push(text) } as never,
        lua: { wasm: await buildLuaWasm(numbers), numbers },
        instructionLimit: 1_000_000,
      });
      // Runaway recursion ends at the cap of the heap, before it reaches the limit of Lua's stack.
      expect(said).toEqual([numbers === "i32" ? 32 : 64, "false thrown", "not enough memory"]);
      expect(() => board.rx("x", 0)).toThrow(/instruction limit/);
      expect(board.tick(1)).toBe(1);
    });

    snapshotTest(async () => ({ wasm: await buildLuaWasm(numbers), numbers }));
  });
}
