import { missingImagePackages } from "@mltb/firmware/images";
import { monitoringConverter } from "@mltb/hardware";
import { bodyCheck, type Message, PowerAction, Stream } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { random } from "../src/world/random.ts";
import { openBench } from "./bench.ts";
import { rp2040Image } from "./rungs.ts";

const EDGES = process.env["MLTB_LONG"] === "1" ? 2000 : 200;
const CHANNELS = 8;
const PERIOD_US = 1e6 / monitoringConverter.rate_hz;
/** The longest that interrupts of the image are off or busy with another: the worst that docs/firmware.md states. */
const LATE_US = 15;

describe.skipIf(missingImagePackages().length > 0)("marker edges of the RP2040 image", () => {
  test(`${EDGES} edges at random moments at 20 kHz x 8: the jitter of their device time, and the row that holds each`, {
    timeout: 3_600_000,
  }, async ({ task }) => {
    const bench = await openBench(await rp2040Image("cdc"));
    const { electronics } = bench;
    const source = random(29);
    for (let channel = 1; channel <= CHANNELS; channel += 1) {
      const action = PowerAction.on;
      await bench.request("power_set", { channel, action, off_ms: 0, check: bodyCheck(channel, action, 0) });
    }
    await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 60_000, period_us: PERIOD_US });
    await bench.request("stream_open", { stream: Stream.monitors, ttl_ms: 60_000, period_us: 0 });
    await bench.run(20);
    bench.messages.length = 0;
    const levels: (0 | 1)[] = Array.from({ length: CHANNELS }, () => 0);
    const set: { channel: number; level: number; at_us: number }[] = [];
    for (let n = 0; n < EDGES; n += 1) {
      const channel = 1 + Math.floor(source.uniform() * CHANNELS);
      const level = levels[channel - 1] === 0 ? 1 : 0;
      levels[channel - 1] = level;
      const at_us = electronics.now_us() + 10 + Math.floor(source.uniform() * 2900);
      electronics.marker(channel, level, at_us);
      set.push({ channel, level, at_us });
      await bench.run(3);
    }
    await bench.run(50);
    const told = bench.messages
      .filter(({ name }) => name === "marker_edge")
      .map(({ body }) => body as unknown as Message<"marker_edge">);
    expect(told.map(({ channel, level }) => ({ channel, level }))).toEqual(
      set.map(({ channel, level }) => ({ channel, level })),
    );
    const late_us = told.map((edge, n) => edge.tick_us - (set[n]?.at_us ?? Number.NaN));
    const blocks = bench.messages
      .filter(({ name }) => name === "sample_block")
      .map(({ body }) => body as unknown as Message<"sample_block">);
    // A row's interval ends at its tick and lasts a period; the edge must lie in the one that it names.
    for (const [n, edge] of told.entries()) {
      const block = blocks.find(({ first, rows }) => edge.first >= first && edge.first < first + rows);
      if (block === undefined) throw new Error(`edge ${n} names row ${edge.first}, which never came`);
      const end_us = block.tick_us + (edge.first - block.first) * PERIOD_US;
      expect(edge.tick_us).toBeGreaterThan(end_us - PERIOD_US - LATE_US);
      expect(edge.tick_us).toBeLessThanOrEqual(end_us + LATE_US);
    }
    const sorted = [...late_us].sort((a, b) => a - b);
    const median_us = sorted[sorted.length >> 1] ?? Number.NaN;
    const jitter_us = (sorted.at(-1) ?? Number.NaN) - (sorted[0] ?? 0);
    console.log(`${told.length} edges: ${sorted[0]} to ${sorted.at(-1)} us late, median ${median_us} us`);
    task.meta.figures = { marker_edges: told.length, marker_late_median_us: median_us, marker_jitter_us: jitter_us };
    expect(sorted[0]).toBeGreaterThanOrEqual(0);
    expect(sorted.at(-1)).toBeLessThanOrEqual(LATE_US);
    await bench.stop();
  });
});
