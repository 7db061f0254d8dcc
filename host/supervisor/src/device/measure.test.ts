import type { BayTarget } from "@mltb/contract";
import { monitoringBoard } from "@mltb/hardware";
import type { Message } from "@mltb/protocol";
import { expect, test } from "vitest";
import { createHub, type SampleBlock } from "../events.ts";
import { Calibrations } from "./calibration.ts";
import { ChannelModel } from "./channel.ts";
import { MeasureStreams } from "./measure.ts";

const ROWS = 10;
const PERIOD_US = 1000;

function streams() {
  const hub = createHub();
  const blocks: SampleBlock[] = [];
  hub.on("samples", (block) => blocks.push(block));
  const voltages: number[] = [];
  hub.on("voltage", (_target, tick_us) => voltages.push(tick_us));
  const channel = new ChannelModel("rack1", { target: "t1", channel: 1 } as BayTarget);
  const measure = new MeasureStreams(
    monitoringBoard,
    [channel],
    new Calibrations({} as never, monitoringBoard, () => false),
    hub,
  );
  const send = (first: number, tick_us: number): void => {
    const head = { stream: 1, channels: monitoringBoard.channels.length, rows: ROWS, period_us: PERIOD_US, lost: 0 };
    const data = "\0".repeat(ROWS * head.channels * 2);
    measure.samples({ ...head, first, tick_us, data } as Message<"sample_block">);
  };
  const sweep = (first: number, tick_us: number): void =>
    measure.monitors(
      { channels: 1, first, tick_us, data: "\u0000\u0010\u0000\u0000" } as Message<"monitor_block">,
      true,
    );
  return {
    measure,
    send,
    sweep,
    blocks,
    voltages,
    restarted: () => blocks.map((block) => block.restarted),
    times: () => blocks.map((block) => block.tick_us),
  };
}

test("a stream that begins anew says so in its first block, with the rows that are missing by the device's clock", () => {
  const { measure, send, restarted } = streams();
  send(0, 1000);
  send(10, 11_000);
  // An update: a new session, the clock goes on; 4.97 s later the stream is there again.
  measure.restart(false, 21);
  send(0, 21_000 + 4_970_000);
  send(10, 31_000 + 4_970_000);
  expect(restarted()).toEqual([undefined, undefined, { missing_rows: 4970 }, undefined]);
});

test("where the board's clock began anew, nobody knows how many rows are missing", () => {
  const { measure, send, restarted } = streams();
  measure.restart(true, 0);
  send(0, 1000);
  measure.restart(true, 0);
  send(0, 1000);
  expect(restarted()).toEqual([undefined, { missing_rows: null }]);
});

test("indices that fall back within a session are a stream that began anew", () => {
  const { send, restarted } = streams();
  send(100, 1000);
  send(0, 51_000);
  expect(restarted()).toEqual([undefined, { missing_rows: 40 }]);
});

test("an index that passes its highest value is the same stream, and what is missing there is counted", () => {
  const { measure, send, restarted } = streams();
  send(2 ** 32 - 20, 1000);
  send(2 ** 32 - 10, 11_000);
  send(0, 21_000);
  send(15, 36_000);
  expect(restarted()).toEqual([undefined, undefined, undefined, undefined]);
  expect(measure.lost).toBe(5);
});

test("device time goes on growing over a lost link of any length, by what the board says of its uptime", () => {
  for (const minutes of [1, 35, 37, 50, 71, 73, 143, 600, 40 * 24 * 60]) {
    const { measure, send, times, restarted } = streams();
    // Its uptime in milliseconds wraps too, after 49.7 days.
    let now_us = 48 * 24 * 3600e6;
    const welcome = (): void => measure.restart(false, Math.floor(now_us / 1000) % 2 ** 32);
    const block = (first: number): void => {
      send(first, now_us % 2 ** 32);
      now_us += ROWS * PERIOD_US;
    };
    welcome();
    now_us += 800_000;
    block(0);
    block(10);
    // A session in which nothing was measured.
    now_us += 30_000;
    welcome();
    now_us += minutes * 60e6;
    welcome();
    now_us += 500_000;
    block(0);
    block(10);
    const [first = 0, , again = 0] = times();
    const passed_us = 2 * ROWS * PERIOD_US + 30_000 + minutes * 60e6 + 500_000;
    expect([minutes, again - first]).toEqual([minutes, passed_us]);
    expect(restarted()[2]).toEqual({ missing_rows: (passed_us - 2 * ROWS * PERIOD_US) / PERIOD_US });
  }
});

test("voltages that a wire brings again are told once and counted: within a session, and where one that goes on begins with them", () => {
  const { measure, sweep, voltages } = streams();
  for (const n of [2, 4, 6, 6, 4, 8]) sweep(n, n * 10_000);
  measure.restart(false, 1000);
  for (const n of [6, 8, 10]) sweep(n, n * 10_000);
  // After an update the count of sweeps begins again, the clock goes on.
  measure.restart(false, 1000);
  for (const n of [2, 4]) sweep(n, 5_000_000 + n * 10_000);
  expect(voltages).toEqual([20_000, 40_000, 60_000, 80_000, 100_000, 5_020_000, 5_040_000]);
  expect([measure.sweeps, measure.repeatedSweeps]).toEqual([7, 4]);
});

test("voltages of a board that began anew are news, whatever their index and time", () => {
  const { measure, sweep, voltages } = streams();
  sweep(2, 20_000);
  measure.restart(true, 0);
  sweep(2, 20_000);
  expect([voltages.length, measure.repeatedSweeps]).toEqual([2, 0]);
});

test("samples that a session begins with and that the one before has brought are told once, too", () => {
  const { measure, send, blocks } = streams();
  send(0, 1000);
  send(10, 11_000);
  measure.restart(false, 1000);
  send(0, 1000);
  send(10, 11_000);
  send(20, 21_000);
  expect(blocks.map(({ tick_us }) => tick_us)).toEqual([1000, 11_000, 21_000]);
  expect([measure.received, measure.repeated]).toEqual([30, 20]);
});
