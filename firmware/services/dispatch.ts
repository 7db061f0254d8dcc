import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, type Body, Refusal } from "@mltb/protocol";
import type { Panel } from "./panel.ts";
import type { Power } from "./power.ts";
import { createChecks, createPowerRequests, type Handler } from "./power-requests.ts";
import type { Protection } from "./protection.ts";
import type { Reset } from "./reset.ts";
import type { Streams } from "./streams.ts";

const TTL_LONGEST_MS = 60000;
/** Time from conversion to conversion of the fast converter. */
const CONVERSION_US = 50;

/** The services that answer requests. */
export interface Services {
  power: Power;
  protection: Protection;
  reset: Reset;
  streams: Streams;
  panel: Panel;
  counters: (this: void, tag: number) => void;
}

/** Request name to handler. A handler answers or refuses its tag exactly once, now or when its proof is there. */
export function createHandlers(
  hal: Hal,
  board: MonitoringBoard,
  services: Services,
  session: () => BoardSession,
): Record<string, Handler> {
  const { power, protection, reset, streams, panel } = services;

  const { channelOf, checked, within } = createChecks(board.channels.length, session);

  const handlers = createPowerRequests(board.channels.length, power, reset, session);
  const others: Record<string, Handler> = {
    limits_set(this: void, body: Body, tag: number): void {
      const hard_ma = body["hard_ma"] as number;
      if (!checked(body, tag, 0, hard_ma)) return;
      const index = channelOf(body, tag);
      if (index < 0) return;
      const refusal = protection.set(
        index,
        hard_ma,
        body["slow_ma"] as number,
        body["slow_ms"] as number,
        body["inrush_ma"] as number,
        body["inrush_ms"] as number,
      );
      if (refusal !== 0) session().refuse(tag, refusal, "limits_set");
      else protection.answer(index, tag);
    },
    limits_get(this: void, body: Body, tag: number): void {
      const index = channelOf(body, tag);
      if (index >= 0) protection.answer(index, tag);
    },
    energy_get(this: void, _body: Body, tag: number): void {
      if (hal.sampler_energy === undefined) {
        session().refuse(tag, Refusal.not_capable, "no sampler");
        return;
      }
      session().answer(tag, "energy_answer", {
        tick_us: hal.ticks_us(),
        period_us: CONVERSION_US,
        data: hal.sampler_energy(),
      });
    },
    stream_open(this: void, body: Body, tag: number, now_ms: number): void {
      const ttl_ms = body["ttl_ms"] as number;
      if (!within(ttl_ms, 1, TTL_LONGEST_MS, tag, "ttl_ms")) return;
      streams.open(body["stream"] as number, ttl_ms, body["period_us"] as number, tag, now_ms);
    },
    panel_write(this: void, body: Body, tag: number, now_ms: number): void {
      const lines = [
        body["line1"] as string,
        body["line2"] as string,
        body["line3"] as string,
        body["line4"] as string,
      ];
      session().answer(tag, "panel_answer", { page: panel.write(lines, body["ttl_ms"] as number, now_ms) });
    },
    locate(this: void, body: Body, tag: number, now_ms: number): void {
      const index = channelOf(body, tag);
      if (index < 0) return;
      const duration_ms = body["duration_ms"] as number;
      panel.locate(index + 1, duration_ms, now_ms);
      session().answer(tag, "locate_answer", { channel: index + 1, active: duration_ms > 0 ? 1 : 0 });
    },
    target_names(this: void, body: Body, tag: number): void {
      const index = channelOf(body, tag);
      if (index < 0) return;
      panel.name(index + 1, body["name"] as string);
      session().answer(tag, "target_names_answer", { channel: index + 1 });
    },
    echo(this: void, body: Body, tag: number): void {
      session().answer(tag, "echo_answer", { data: body["data"] as string });
    },
    counters_get(this: void, _body: Body, tag: number): void {
      services.counters(tag);
    },
  };
  for (const name in others) handlers[name] = others[name] as Handler;
  return handlers;
}
