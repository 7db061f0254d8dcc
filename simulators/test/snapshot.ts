import { bodyCheck, type Message, PowerAction } from "@mltb/protocol";
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
    const limits = async (): Promise<Message<"limits_answer">> => {
      const answer = await bench.request("limits_get", { channel: 1 });
      if (answer.kind !== "answer") throw new Error(`limits_get: ${answer.kind}`);
      return answer.body;
    };
    const own = await limits();
    const restore = rung.rack.board.snapshot?.();
    expect(restore).toBeDefined();
    const before = rung.rack.board.heap().used_bytes;
    for (let n = 0; n < 3; n += 1) {
      // What the store holds is no part of Lua: only a Lua that was put back answers as before.
      const other = { ...own, slow_ms: 90 + n, check: bodyCheck(1, 0, own.hard_ma) };
      expect(await bench.request("limits_set", other)).toMatchObject({ kind: "answer" });
      expect(await limits()).toMatchObject({ slow_ms: 90 + n });
      await bench.run(500);
      expect(rung.rack.board.heap().used_bytes).not.toBe(before);
      restore?.();
      expect(rung.rack.board.heap().used_bytes).toBe(before);
      bench.session.connect(0);
      bench.session.port.open = false;
      await bench.run(1500);
      expect(await limits()).toEqual(own);
      restore?.();
      bench.session.connect(0);
      bench.session.port.open = false;
      await bench.run(1500);
    }
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    expect(rail(bench).switchOn).toBe(true);
    await bench.stop();
  });
}
