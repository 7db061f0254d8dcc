import { missingImagePackages } from "@mltb/firmware/images";
import { ADS131M08, FAST_CURRENT_ERRORS, monitoringBoard, monitoringConverter } from "@mltb/hardware";
import { bodyCheck, type Message, PowerAction, Stream } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { random } from "../src/world/random.ts";
import { openBench } from "./bench.ts";
import { rp2040Image } from "./rungs.ts";

const SECONDS = 10;
const CHANNELS = 8;
const PERIOD_US = 1e6 / monitoringConverter.rate_hz;
/** The most of the processor that full rate may take, in the emulator's cycle model. */
const CPU_LIMIT = 0.45;
/** Pings are answered within this at full rate. */
const PONG_MS = 20;

/** The ADS131M08 rounds to its code; gain, offset and noise of the chain are in front of its pins. */
const HALF_CODE = 0.5 + 1e-9;

/** Of the chain's error terms the bound, of its noise the standard deviation. */
const half = (term: string): number => FAST_CURRENT_ERRORS.find((error) => error.term === term)?.half_width ?? 0;
/** The noise is given for 1 kHz of bandwidth; the filter lets sqrt(1 + 16 + 1) / 6 of it through. */
const noise_a = half("noise") * Math.sqrt(monitoringConverter.rate_hz / 1000) * (Math.sqrt(18) / 6);
const { amplifier_gain } = monitoringBoard.fast_current;

describe.skipIf(missingImagePackages().length > 0)("sampling chain of the RP2040 image", () => {
  test(`20 kHz x 8 for ${SECONDS} s over SPI, DMA, ring, C framing and USB: no gap, every sample right, CPU within its limit`, async ({
    task,
  }) => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    const { electronics } = bench;
    const source = random(11);
    const truth: number[][] = [];
    const world_a: number[][] = [];
    const inputs = electronics.fastInputs_v;
    electronics.fastInputs_v = () => {
      const volts = inputs();
      truth.push(volts);
      world_a.push(electronics.rails.map((rail) => rail.current_a));
      return volts;
    };
    for (let channel = 1; channel <= CHANNELS; channel += 1) {
      const action = PowerAction.on;
      const check = bodyCheck(channel, action, 0);
      expect(await bench.request("power_set", { channel, action, off_ms: 0, check })).toMatchObject({ kind: "answer" });
    }
    const opened = await bench.request("stream_open", {
      stream: Stream.samples,
      ttl_ms: 60_000,
      period_us: PERIOD_US,
    });
    expect(opened).toMatchObject({ kind: "answer", body: { rows: 100, period_us: PERIOD_US } });
    await bench.request("stream_open", { stream: Stream.monitors, ttl_ms: 60_000, period_us: 0 });
    rung.board.load();
    bench.messages.length = 0;
    const pongs = bench.pongs();
    const { unexpected } = bench.session.port.counters;
    for (let step = 0; step < SECONDS * 100; step += 1) {
      for (const rail of electronics.rails) rail.extra_a = 0.2 + source.uniform() * 1.8;
      await bench.run(10);
    }
    const load = rung.board.load();
    const blocks = bench.messages
      .filter((message) => message.name === "sample_block")
      .map((message) => message.body as unknown as Message<"sample_block">);

    let next = blocks[0]?.first ?? 0;
    const codes: Int16Array[] = [];
    for (const block of blocks) {
      expect(block.first).toBe(next);
      expect(block.lost).toBe(0);
      next += block.rows;
      const bytes = Buffer.from(block.data, "latin1");
      for (let row = 0; row < block.rows; row += 1) {
        codes.push(Int16Array.from({ length: CHANNELS }, (_, n) => bytes.readInt16LE((row * CHANNELS + n) * 2)));
      }
    }
    expect(codes.length).toBeGreaterThanOrEqual((SECONDS - 0.05) * monitoringConverter.rate_hz);

    const expected = (volts: number): number => (volts / ADS131M08.full_scale_v) * ADS131M08.full_scale_code;
    const equal = (code: Int16Array, volts: number[] | undefined): boolean =>
      volts?.every((value, n) => Math.abs((code[n] as number) - expected(value)) <= HALF_CODE) ?? false;
    // The converter's filter, as its twin has it from the data sheet: 1/6, 4/6 and 1/6 of three conversions.
    const sinc3 = (rows: number[][], at: number, n: number): number =>
      ((rows[at]?.[n] ?? 0) + 4 * (rows[at - 1]?.[n] ?? 0) + (rows[at - 2]?.[n] ?? 0)) / 6;
    const filtered = truth.map((volts, at) => volts.map((_, n) => sinc3(truth, at, n)));
    // The first row names one conversion; from there on each row must be the next one.
    const start = filtered.findIndex((volts) => equal(codes[0] as Int16Array, volts));
    expect(start).toBeGreaterThanOrEqual(0);
    const wrong = codes.findIndex((code, row) => !equal(code, filtered[start + row]));
    expect(wrong).toBe(-1);

    // The same samples against the current that flows in the world, within what the chain's parts may err.
    const strays = codes.findIndex((code, row) =>
      monitoringBoard.channels.some(({ shunt_ohm }, n) => {
        const current_a = sinc3(world_a, start + row, n);
        const lsb_a = ADS131M08.full_scale_v / ADS131M08.full_scale_code / shunt_ohm / amplifier_gain;
        const limit_a = half("gain") * current_a + half("offset") + 6 * noise_a + HALF_CODE * lsb_a;
        return Math.abs((code[n] as number) * lsb_a - current_a) > limit_a;
      }),
    );
    expect(strays).toBe(-1);

    console.log(
      `${codes.length} rows, ${(load * 100).toFixed(1)} % of the core, slowest pong ${bench.slowestPong_ms()} ms, ${rung.board.usb.counters.packets_in} USB packets`,
    );
    task.meta.figures = { sampling_chain_cpu_share: load, slowest_pong_ms: bench.slowestPong_ms() };
    expect(load).toBeLessThanOrEqual(CPU_LIMIT);
    // Liveness comes before bulk.
    expect(bench.pongs() - pongs).toBeGreaterThan(SECONDS * 4);
    expect(bench.slowestPong_ms()).toBeLessThanOrEqual(PONG_MS);
    // A pong that comes after the next ping has gone out has no round trip.
    expect(bench.session.port.counters.unexpected).toBe(unexpected);
    expect(rung.debug.filter((line) => !line.startsWith("heap "))).toEqual([]);
    expect(rung.board.usb.counters.toggle_errors).toBe(0);
    await bench.stop();
  });
});
