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
  return {
    measure,
    send,
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
