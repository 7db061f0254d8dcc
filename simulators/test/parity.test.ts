import type { Message } from "@mltb/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type VirtualBench, virtualBench } from "./virtual-bench.ts";

let bench: VirtualBench;
beforeAll(async () => {
  bench = await virtualBench([{ name: "t1", channel: 1, load: { idle_w: 1.2, cpu_w: 0 } }]);
});
afterAll(() => bench.stop());

test("the Lua codec returns every byte value unchanged, in 300 seeded bodies of every length", async () => {
  let state = 99;
  for (let i = 0; i < 300; i += 1) {
    let data = "";
    for (let n = 0; n < i % 240; n += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Half of the bytes are zero in every third body: the hard case for COBS.
      data += String.fromCharCode(i % 3 === 0 && (state & 0x800000) !== 0 ? 0 : state >>> 24);
    }
    expect(await bench.request("echo", { data })).toEqual({ kind: "answer", name: "echo_answer", body: { data } });
  }
});

test("garbage-on-the-link: 10^5 random bytes switch nothing, are all counted, and the board still answers", async () => {
  const size = process.env["MLTB_LONG"] === "1" ? 1_000_000 : 100_000;
  const before = bench.rack.electronics.board.channels.map((channel) =>
    bench.rack.electronics.chain.output(channel.switch_bit),
  );
  let state = 7;
  for (let sent = 0; sent < size; ) {
    const chunk = Buffer.alloc(257);
    for (let i = 0; i < chunk.length; i += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      chunk[i] = state >>> 24;
    }
    bench.rack.transport.write(chunk);
    sent += chunk.length;
    await bench.run(1);
  }
  bench.rack.transport.write(Buffer.from([0]));
  await bench.run(3000);
  const after = bench.rack.electronics.board.channels.map((channel) =>
    bench.rack.electronics.chain.output(channel.switch_bit),
  );
  expect(after).toEqual(before);
  const counters = await bench.request("counters_get", {});
  expect(counters.kind).toBe("answer");
  const body = (counters as { body: Message<"counters_answer"> }).body;
  expect(body.crc + body.malformed + body.oversize).toBeGreaterThan(100);
  expect(body.lua_errors).toBe(0);
  expect(body.heap_bytes).toBeLessThan(600_000);
});

test("an endless loop in Lua is stopped by the instruction limit", async () => {
  const { createLuaBoard } = await import("../src/index.ts");
  const hal = {
    ...bench.rack.electronics.hal,
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
  board.close();
});
