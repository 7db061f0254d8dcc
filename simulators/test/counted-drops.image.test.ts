import { missingImagePackages } from "@mltb/firmware/images";
import { ADS131M08, monitoringConverter } from "@mltb/hardware";
import { type Message, PowerAction, Refusal, Stream } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { openBench } from "./bench.ts";
import { ENDLESS_LOOP, imageSymbol, rp2040Image } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

/** Rounding of a code, with room for the arithmetic of doubles. */
const HALF_CODE = 0.5 + 1e-9;
const PERIOD_US = 1e6 / monitoringConverter.rate_hz;
/** Rings of the C runtime: received bytes, trips, UART characters. */
const RX_RING = 4096;
const TRIPS = 16;
const UART_FIFO = 32;

async function drops(bench: Awaited<ReturnType<typeof openBench>>): Promise<Message<"drops_answer">> {
  const outcome = await bench.request("drops_get", {});
  if (outcome.kind !== "answer") throw new Error(`drops_get: ${outcome.kind}`);
  return outcome.body;
}

describe.skipIf(missingImagePackages().length > 0)("what the RP2040 image drops is counted", () => {
  test("damaged-converter-frames: each is counted, none becomes a sample or a trip, and its row shows as a gap that `lost` counts", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    const truth: number[] = [];
    const inputs = bench.electronics.fastInputs_v;
    bench.electronics.fastInputs_v = () => {
      const volts = inputs();
      truth.push(((volts[0] as number) / ADS131M08.full_scale_v) * ADS131M08.full_scale_code);
      return volts;
    };
    await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 60_000, period_us: PERIOD_US });
    await bench.run(50);
    const DAMAGED = 10;
    // Four in a row above the hard limit would open the switch, if anyone believed them.
    rung.board.damageFrames(DAMAGED);
    await bench.run(50);
    const blocks = bench.messages
      .filter((message) => message.name === "sample_block")
      .map((message) => message.body as unknown as Message<"sample_block">);
    const codes = new Map<number, number>();
    for (const block of blocks) {
      const bytes = Buffer.from(block.data, "latin1");
      for (let row = 0; row < block.rows; row += 1) {
        codes.set(block.first + row, bytes.readInt16LE(row * block.channels * 2));
      }
    }
    const last = blocks.at(-1) as Message<"sample_block">;
    const missing = last.first + last.rows - codes.size;
    expect(missing).toBeGreaterThanOrEqual(DAMAGED);
    expect(last.lost).toBe(missing);
    // The converter's filter, as its data sheet has it (8.3.5): 1/6, 4/6 and 1/6 of three conversions.
    const filtered = truth.map((code, at) => (code + 4 * (truth[at - 1] ?? 0) + (truth[at - 2] ?? 0)) / 6);
    const near = (code: number, at: number): boolean => Math.abs(code - (filtered[at] ?? Number.NaN)) <= HALF_CODE;
    // Where the first row stands among the conversions is found by the first rows themselves.
    const first = [...codes.values()].slice(0, 20);
    const start = filtered.findIndex((_, n) => first.every((code, row) => near(code, n + row)));
    expect(start).toBeGreaterThanOrEqual(0);
    for (const [index, code] of codes) expect([index, near(code, start + index)]).toEqual([index, true]);
    expect(await drops(bench)).toMatchObject({ converter_crc: DAMAGED, converter_overruns: 0, trips_lost: 0 });
    expect(bench.messages.filter((message) => message.name === "trip")).toEqual([]);
    expect(rail(bench).switchOn).toBe(true);
  });

  test("one damaged conversion of twenty: the mean of a 1 kHz row goes without it, no row is lost", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
    await bench.run(100);
    await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 60_000, period_us: 1000 });
    bench.messages.length = 0;
    for (let n = 0; n < 20; n += 1) {
      rung.board.damageFrames(1);
      await bench.run(10);
    }
    await bench.run(20);
    const blocks = bench.messages
      .filter((message) => message.name === "sample_block")
      .map((message) => message.body as unknown as Message<"sample_block">);
    expect(blocks.length).toBeGreaterThan(5);
    const values = blocks.flatMap((block) => {
      expect(block.lost).toBe(0);
      const bytes = Buffer.from(block.data, "latin1");
      return Array.from({ length: block.rows }, (_, row) => bytes.readInt16LE(row * block.channels * 2));
    });
    // One wrong value in twenty would move a mean by a thousand codes.
    expect(Math.max(...values) - Math.min(...values)).toBeLessThan(200);
    expect(await drops(bench)).toMatchObject({ converter_crc: 20 });
  });

  test("converter-clocked-twice: an edge of /DRDY while a frame is under way is counted and spoils no row", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    await bench.request("stream_open", { stream: Stream.samples, ttl_ms: 60_000, period_us: PERIOD_US });
    await bench.run(20);
    rung.board.glitches = 5;
    await bench.run(50);
    expect(rung.board.glitches).toBe(0);
    const blocks = bench.messages.filter((message) => message.name === "sample_block");
    expect(blocks.length).toBeGreaterThan(10);
    for (const [n, { body }] of blocks.entries()) {
      expect(body).toMatchObject({ lost: 0, first: n * (body["rows"] as number) });
    }
    expect(await drops(bench)).toMatchObject({ converter_overruns: 5, converter_crc: 0 });
  });

  test("trip-queue-overflow: alerts faster than the firmware takes them are counted", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    const { electronics } = bench;
    const released = rung.board.patch(await imageSymbol("luaV_execute"), ENDLESS_LOOP);
    const really = electronics.alert;
    for (let edge = 0; edge < 2 * (TRIPS + 5); edge += 1) {
      electronics.alert = () => (edge % 2 === 0 ? 0 : 1);
      electronics.onAlert?.();
      rung.board.run(20);
    }
    electronics.alert = really;
    rung.board.patch(await imageSymbol("luaV_execute"), released);
    await bench.run(300);
    expect(await drops(bench)).toMatchObject({ trips_lost: 5 });
    expect(rung.board.counters.restarts).toBe(0);
  });

  test("link-overrun: bytes that come while Lua is held find the ring full, are counted, and the session goes on", async () => {
    const rung = await rp2040Image("uart");
    const bench = await openBench(rung);
    const released = rung.board.patch(await imageSymbol("luaV_execute"), ENDLESS_LOOP);
    // At 921,600 baud 65 ms carry 5,990 bytes.
    const sent = 5800;
    bench.write(Buffer.alloc(sent, 0x55));
    rung.board.run(65_000);
    rung.board.patch(await imageSymbol("luaV_execute"), released);
    bench.write(Buffer.from([0]));
    await bench.run(1000);
    const after = await drops(bench);
    expect(after.link_overruns).toBeGreaterThan(0);
    expect(after.link_overruns).toBeLessThanOrEqual(sent + 1 - RX_RING);
    // What was taken is in the deframer's counter: no byte of the block is unaccounted for.
    const frames = await bench.request("counters_get", {});
    if (frames.kind !== "answer") throw new Error(frames.kind);
    expect(after.link_overruns + frames.body.skipped_bytes).toBeGreaterThanOrEqual(sent);
    expect(rung.board.counters).toEqual({ restarts: 0, uart_overflows: 0 });
  });

  test("uart-overrun: characters that the controller did not fetch in time are counted by the port", async () => {
    const rung = await rp2040Image("uart");
    const bench = await openBench(rung);
    const address = await imageSymbol("link_handler");
    const released = rung.board.patch(address, ENDLESS_LOOP);
    bench.write(Buffer.alloc(3 * UART_FIFO, 0x55));
    rung.board.run(2000);
    rung.board.patch(address, released);
    bench.write(Buffer.from([0]));
    await bench.run(500);
    expect(rung.board.counters.uart_overflows).toBeGreaterThan(0);
    // The part flags an overrun, it does not say how many characters it took.
    expect((await drops(bench)).link_overruns).toBe(1);
  });

  test("trip-while-streaming: indices follow the device's clock through a trip and its waveform; what is missing is in `lost`", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    await power(bench, PowerAction.on);
    const stream = { stream: Stream.samples, ttl_ms: 5000, period_us: 50 };
    expect(await bench.request("stream_open", stream)).toMatchObject({ kind: "answer" });
    await bench.run(100);
    expect(await bench.request("store_set", { key: "a", value: "b" })).toMatchObject({ code: Refusal.busy });
    rail(bench).extra_a = 3.2;
    await bench.run(300);
    expect(rail(bench).switchOn).toBe(false);
    const blocks = bench.messages
      .filter(({ name }) => name === "sample_block")
      .map(({ body }) => body as unknown as Message<"sample_block">);
    expect(blocks.length).toBeGreaterThan(40);
    const [head] = blocks as [Message<"sample_block">];
    let gaps = 0;
    for (const [n, block] of blocks.entries()) {
      // More than a few microseconds would be a row that was not counted, or counted twice.
      const apart_us = block.tick_us - head.tick_us - (block.first - head.first) * PERIOD_US;
      expect(Math.abs(apart_us), `block ${n}`).toBeLessThan(PERIOD_US / 2);
      const before = blocks[n - 1];
      if (before !== undefined) gaps += block.first - before.first - before.rows;
    }
    expect(gaps).toBe((blocks.at(-1) as Message<"sample_block">).lost - head.lost);

    // The waveform has the upper 12 bits of every code that was streamed.
    const kept = await bench.request("waveform_get", { back: 0 });
    if (kept.kind !== "answer") throw new Error("no waveform");
    const { rows, period_us, tick_us } = kept.body;
    expect(period_us).toBe(PERIOD_US);
    expect(rows * period_us).toBeGreaterThanOrEqual(200_000);
    const wave: number[] = [];
    while (wave.length < rows) {
      const part = await bench.request("waveform_read", { first: wave.length, back: 0, what: 0 });
      const bytes = Buffer.from(part.kind === "answer" ? part.body.data : "", "latin1");
      if (bytes.length === 0) throw new Error(`row ${wave.length} of ${rows}: ${part.kind}`);
      for (let at = 0; at < bytes.length; at += 2) wave.push(bytes.readInt16LE(at));
    }
    const streamed = new Map<number, number>();
    for (const block of blocks) {
      const bytes = Buffer.from(block.data, "latin1");
      for (let row = 0; row < block.rows; row += 1) {
        streamed.set(block.first - head.first + row, bytes.readInt16LE(row * block.channels * 2));
      }
    }
    const first = Math.round((tick_us - head.tick_us) / PERIOD_US);
    const compared = wave
      .map((code, n) => [code, streamed.get(first + n)] as const)
      .filter(([, code]) => code !== undefined);
    expect(compared.length).toBeGreaterThan(0.95 * rows);
    expect(compared.filter(([code, streamed = 0]) => code !== ((streamed & ~15) | 8))).toEqual([]);
    expect(Math.max(...wave) - Math.min(...wave)).toBeGreaterThan(10_000);
  });
});
