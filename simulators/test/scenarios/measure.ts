import { type Message, PowerAction, Stream } from "@mltb/protocol";
import { expect } from "vitest";
import { power, rail, type Scenario } from "./scenario.ts";

export const measureScenarios: Scenario[] = [
  {
    name: "samples: every row arrives, and voltage x current integrates to the true energy within the chain's errors",
    needs: ["samples", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 10_000, period_us: 0 });
      await bench.run(100);
      bench.messages.length = 0;
      const before = rail(bench).energy_j;
      await bench.run(2000);
      const truth = rail(bench).energy_j - before;
      const blocks = bench.messages
        .filter((m) => m.name === "sample_block")
        .map((m) => m.body as unknown as Message<"sample_block">);
      let next = blocks[0]?.first ?? 0;
      let energy = 0;
      let rows = 0;
      for (const block of blocks) {
        expect(block.first).toBe(next);
        expect(block.lost).toBe(0);
        next = block.first + block.rows;
        const bytes = Buffer.from(block.data, "latin1");
        for (let row = 0; row < block.rows; row += 1) {
          energy += bytes.readInt16LE(row * 16) * (1.2 / 32768 / 20 / 0.02) * rail(bench).voltage_v * 0.001;
          rows += 1;
        }
      }
      expect(rows).toBeGreaterThanOrEqual(1980);
      expect(energy / rows / (truth / 2000)).toBeGreaterThan(0.994);
      expect(energy / rows / (truth / 2000)).toBeLessThan(1.006);
    },
  },
  {
    name: "a marker edge carries the device time of the edge and the row that holds it",
    needs: ["samples", "markers", "physics"],
    async run(bench) {
      await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 10_000, period_us: 0 });
      await bench.run(50);
      const at = bench.electronics.now_us() + 300;
      bench.electronics.marker(1, 1, at);
      await bench.run(50);
      const edge = bench.messages.find((m) => m.name === "marker_edge")?.body;
      expect(edge).toMatchObject({ channel: 1, level: 1 });
      // A controller takes a few microseconds to its interrupt.
      const edge_us = Number(edge?.["tick_us"]);
      expect(Math.abs(edge_us - at)).toBeLessThanOrEqual(5);
      const blocks = bench.messages
        .filter((m) => m.name === "sample_block")
        .map((m) => m.body as unknown as Message<"sample_block">);
      const row = Number(edge?.["first"]);
      const block = blocks.find(({ first, rows }) => first <= row && row < first + rows);
      if (block === undefined) throw new Error(`row ${row} is in no block`);
      // A row is the time that ends with its conversion.
      const end_us = block.tick_us + (row - block.first) * block.period_us;
      expect(edge_us).toBeLessThanOrEqual(end_us);
      expect(edge_us).toBeGreaterThan(end_us - block.period_us);
    },
  },
  {
    name: "a stream that is not renewed ends at its time; renewed, it goes on without a gap",
    needs: ["samples"],
    async run(bench) {
      const open = { stream: Stream.samples, ttl_ms: 400, period_us: 0 };
      const blocks = (): Message<"sample_block">[] =>
        bench.messages
          .filter((m) => m.name === "sample_block")
          .map((m) => m.body as unknown as Message<"sample_block">);
      expect(await bench.request("stream_open", open)).toMatchObject({ kind: "answer" });
      await bench.run(300);
      expect(await bench.request("stream_open", open)).toMatchObject({ kind: "answer" });
      await bench.run(300);
      const renewed = blocks();
      for (const [n, block] of renewed.entries()) {
        const before = renewed[n - 1];
        if (before !== undefined) expect(block.first).toBe(before.first + before.rows);
      }
      expect(renewed.length).toBeGreaterThan(4);
      // What a real port has still in its buffers may come a little later.
      await bench.run(300);
      bench.messages.length = 0;
      await bench.run(200);
      expect(blocks()).toEqual([]);
    },
  },
];
