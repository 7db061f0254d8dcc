import { PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import type { LuaBoardOptions } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

/** A board in a Lua of its own is put back to where it was, and goes on from there. */
export function snapshotTest(lua: () => Promise<LuaBoardOptions["lua"]>): void {
  test("a snapshot puts everything back, as often as wanted", async () => {
    const rung = await luaBoard(await lua());
    const bench = await openBench(rung);
    const restore = rung.rack.board.snapshot?.();
    expect(restore).toBeDefined();
    const before = rung.rack.board.heap().used_bytes;
    for (let n = 0; n < 3; n += 1) {
      await bench.run(500);
      expect(rung.rack.board.heap().used_bytes).not.toBe(before);
      restore?.();
      expect(rung.rack.board.heap().used_bytes).toBe(before);
    }
    bench.session.connect(0);
    bench.session.port.open = false;
    await bench.run(1500);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    expect(rail(bench).switchOn).toBe(true);
    await bench.stop();
  });
}
