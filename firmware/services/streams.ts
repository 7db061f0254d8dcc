import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, Refusal, Stream } from "@mltb/protocol";
import type { Monitors } from "./monitors.ts";

/** Samples that come closer than this travel in large blocks. */
const DENSE_US = 200;
/** Every second sweep is sent. */
const MONITOR_SWEEPS = 2;

export interface Streams {
  open(this: void, stream: number, ttl_ms: number, asked_us: number, tag: number, now_ms: number): void;
  tick(this: void, now_ms: number, freshSweep: boolean): void;
  /** The host has gone: streams end. */
  end(this: void): void;
  running(this: void): boolean;
}

/**
 * Measurement streams: whole blocks of fast samples as they come from the sampler, and monitor sweeps. A stream that is
 * not renewed ends, so that a dead host silences the board.
 */
export function createStreams(
  hal: Hal,
  board: MonitoringBoard,
  monitors: Monitors,
  session: () => BoardSession,
  busy: (this: void) => boolean,
): Streams {
  const fast = board.fast_current;
  let period_us = 0;
  let rows = 0;
  let bulkBytes = 0;
  let samplesUntil_ms = -1;
  let monitorsUntil_ms = -1;

  function stopSampler(): void {
    if (samplesUntil_ms >= 0 && hal.sampler_stop !== undefined) hal.sampler_stop();
    samplesUntil_ms = -1;
  }

  /** The head of every block: one table for all of them, because a block comes every few milliseconds. */
  const head = {
    stream: Stream.samples as number,
    channels: board.channels.length,
    rows: 0,
    period_us: 0,
    first: 0,
    tick_us: 0,
    lost: 0,
  };

  /** Sends the oldest block; the runtime calls again at once while there are more. */
  function sendBlock(): void {
    if (hal.sampler_take === undefined) return;
    const [block, first, tick_us, lost] = hal.sampler_take();
    if (block === undefined) return;
    head.first = first;
    head.tick_us = tick_us;
    head.lost = lost;
    session().stream("sample_block", head, block, bulkBytes);
  }

  return {
    open(this: void, stream: number, ttl_ms: number, asked_us: number, tag: number, now_ms: number): void {
      if (busy()) {
        session().refuse(tag, Refusal.busy, "a bundle is being received");
        return;
      }
      if (stream === Stream.samples) {
        if (hal.sampler_start === undefined) {
          session().refuse(tag, Refusal.not_capable, "no sampler");
          return;
        }
        const wanted_us = asked_us === 0 ? fast.period_us : asked_us;
        if (samplesUntil_ms < 0 || wanted_us !== period_us) {
          stopSampler();
          const wantedRows = wanted_us <= DENSE_US ? fast.rows_per_dense_block : fast.rows_per_block;
          if (!hal.sampler_start(wanted_us, wantedRows)) {
            session().refuse(tag, Refusal.bad_value, "period_us");
            return;
          }
          period_us = wanted_us;
          rows = wantedRows;
          head.rows = rows;
          head.period_us = period_us;
          bulkBytes = rows * board.channels.length * 2;
        }
        samplesUntil_ms = now_ms + ttl_ms;
      } else if (stream === Stream.monitors) {
        monitorsUntil_ms = now_ms + ttl_ms;
      } else {
        session().refuse(tag, Refusal.bad_value, "stream");
        return;
      }
      const samples = stream === Stream.samples;
      session().answer(tag, "stream_answer", {
        stream,
        channels: board.channels.length,
        rows: samples ? rows : 1,
        period_us: samples ? period_us : 20000,
        first: samples ? 0 : monitors.sweep(),
        tick_us: hal.ticks_us(),
      });
    },
    tick(this: void, now_ms: number, freshSweep: boolean): void {
      if (samplesUntil_ms >= 0) {
        if (now_ms >= samplesUntil_ms) stopSampler();
        else sendBlock();
      }
      if (monitorsUntil_ms >= 0 && now_ms >= monitorsUntil_ms) monitorsUntil_ms = -1;
      if (monitorsUntil_ms >= 0 && freshSweep && monitors.sweep() % MONITOR_SWEEPS === 0) {
        session().stream("monitor_block", {
          channels: board.channels.length,
          first: monitors.sweep(),
          tick_us: monitors.blockTick(),
          data: monitors.block(),
        });
      }
    },
    end(this: void): void {
      stopSampler();
      monitorsUntil_ms = -1;
    },
    running(this: void): boolean {
      return samplesUntil_ms >= 0 || monitorsUntil_ms >= 0;
    },
  };
}
