import { expect, test } from "vitest";
import type { LoadedModel } from "../runtimes/runtime.ts";
import { measure } from "./measure.ts";
import type { MeasureSpec, ModelReply, WindowHead } from "./messages.ts";
import { offlineSamples } from "./schedule.ts";

const WARMUP = 5;
const WINDOW_S = 0.05;

/** A model whose runs take as long as `ms` says of their number, from 0 on. */
function model(ms: (run: number) => number): { loaded: LoadedModel; runs: () => number; fastest_ns: () => bigint } {
  let runs = 0;
  let fastest_ns = BigInt(Number.MAX_SAFE_INTEGER);
  const loaded: LoadedModel = {
    inputs: [],
    outputs: [],
    prepare: (tensors) => tensors,
    async run() {
      const began_ns = process.hrtime.bigint();
      const until_ns = began_ns + BigInt(Math.round(ms(runs) * 1e6));
      while (process.hrtime.bigint() < until_ns);
      runs += 1;
      const took_ns = process.hrtime.bigint() - began_ns;
      if (took_ns < fastest_ns) fastest_ns = took_ns;
    },
    read: () => [],
  };
  return { loaded, runs: () => runs, fastest_ns: () => fastest_ns };
}

async function measured(loaded: LoadedModel, more: Partial<MeasureSpec>, signal = new AbortController().signal) {
  const spec: MeasureSpec = {
    ...{ warmup: WARMUP, windows: 3, window_s: WINDOW_S, gap_ms: 0, markers: false, scenario: "offline", seed: 1 },
    ...{ samples_per_query: 8, target_per_s: 0, sets: [] },
    ...more,
  };
  const windows: (WindowHead & { queries: number; busy_ns: number })[] = [];
  const replies: ModelReply[] = [];
  await measure(
    loaded,
    spec,
    [[], []],
    1,
    (reply, [body] = []) => {
      replies.push(reply);
      if (reply.kind !== "window" || body === undefined) return;
      const latency_us = new Float64Array(body.slice().buffer);
      const busy_ns = latency_us.reduce((a, b) => a + b, 0) * 1000;
      windows.push({ ...reply.window, queries: latency_us.length, busy_ns });
    },
    signal,
  );
  return { windows, replies };
}

const length_ns = (window: WindowHead): number => Number(BigInt(window.stop_ns) - BigInt(window.start_ns));

test("an offline window is one query: as many samples as its warm-up promised, all of them, however long they take", async () => {
  // Four times as slow once the windows have begun.
  const { loaded, runs, fastest_ns } = model((run) => (run < WARMUP ? 0.5 : 2));
  const { windows } = await measured(loaded, {});
  const counts = windows.map(({ inferences }) => inferences);
  const [count = 0] = counts;
  expect(counts).toEqual([count, count, count]);
  expect(runs()).toBe(WARMUP + 3 * count);
  // By the clock around the run alone the fastest sample was a little faster than by the clock around all of it.
  expect(count).toBeLessThanOrEqual(offlineSamples(WINDOW_S, fastest_ns()));
  expect(count).toBeGreaterThan(offlineSamples(WINDOW_S, fastest_ns()) / 2);
  for (const window of windows) {
    expect(window.queries).toBe(count);
    // The whole of the query, from its issue to its last sample.
    expect(length_ns(window)).toBeGreaterThanOrEqual(window.busy_ns);
    expect(length_ns(window)).toBeGreaterThan(count * 2e6);
  }
  const timed = await measured(model((run) => (run < WARMUP ? 0.5 : 2)).loaded, { scenario: "single-stream" });
  for (const window of timed.windows) expect(window.inferences).toBeLessThanOrEqual(WINDOW_S / 0.002 + 1);
});

test("without a warm-up one sample before the windows tells how many an offline window has; an abort ends the query", async () => {
  const { loaded, runs } = model(() => 1);
  const { windows, replies } = await measured(loaded, { warmup: 0, windows: 1 });
  expect(replies[0]).toEqual({ call: 1, kind: "warmed", inferences: 1 });
  expect(runs()).toBe(1 + (windows[0]?.inferences ?? 0));
  const abort = new AbortController();
  const stopped = model((run) => {
    if (run === WARMUP + 3) abort.abort();
    return 0.5;
  });
  expect((await measured(stopped.loaded, {}, abort.signal)).windows).toEqual([]);
  expect(stopped.runs()).toBe(WARMUP + 4);
});

test("the number of an offline window's samples is LoadGen's: a tenth more than the rate gives in its time", () => {
  expect(offlineSamples(10, 1_000_000n)).toBe(11_000);
  expect(offlineSamples(0.05, 3_000_000_000n)).toBe(1);
  expect(offlineSamples(10, 0n)).toBe(11_000_000_000);
});
