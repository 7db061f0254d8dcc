import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, type Body, ChannelState, type Message, Refusal } from "@mltb/protocol";
import type { Log } from "./log.ts";
import type { Panel } from "./panel.ts";
import type { Power } from "./power.ts";
import { createChecks, createPowerRequests, type Handler } from "./power-requests.ts";
import type { Protection } from "./protection.ts";
import type { Reset } from "./reset.ts";
import type { Streams } from "./streams.ts";
import type { Update } from "./update.ts";

const TTL_LONGEST_MS = 60000;
/** Ten days: its milliseconds still fit 32 bits. */
const LEASE_LONGEST_S = 864000;
/** Time from conversion to conversion of the fast converter. */
const CONVERSION_US = 50;

/** The services that answer requests. */
export interface Services {
  power: Power;
  protection: Protection;
  reset: Reset;
  streams: Streams;
  panel: Panel;
  log: Log;
  /** On boards with a flash of their own. */
  update: Update | undefined;
}

/**
 * Request name to handler, those of `more` among them. A handler answers or refuses its tag exactly once, now or when its
 * proof is there.
 */
export function createHandlers(
  hal: Hal,
  board: MonitoringBoard,
  services: Services,
  session: () => BoardSession,
  more: Record<string, Handler>[],
): Record<string, Handler> {
  const { power, protection, reset, streams, panel, log, update } = services;

  const { channelOf, checked, within } = createChecks(board.channels.length, session);

  const handlers = createPowerRequests(board.channels.length, power, reset, session);
  const others: Record<string, Handler> = {
    limits_set(this: void, body: Body, tag: number): void {
      if (!checked(body, tag, 0, body["hard_ma"] as number)) return;
      const index = channelOf(body, tag);
      if (index < 0) return;
      const refusal = protection.set(index, body);
      if (refusal !== 0) session().refuse(tag, refusal, "limits_set");
      else protection.answer(index, tag);
    },
    reset_hold(this: void, body: Body, tag: number): void {
      const level = body["level"] as number;
      if (!checked(body, tag, level, 0)) return;
      const index = channelOf(body, tag);
      if (index < 0 || !within(level, 0, 1, tag, "level")) return;
      if (power.state(index) === ChannelState.on) reset.hold(index, level, tag);
      else session().refuse(tag, Refusal.not_on, "reset_hold");
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
    panel_set(this: void, body: Body, tag: number): void {
      const locked = body["locked"] as number;
      if (!within(locked, 0, 1, tag, "locked")) return;
      panel.set(locked === 1, body["note"] as string);
      session().answer(tag, "panel_answer", { page: panel.page() });
    },
    panel_lease(this: void, body: Body, tag: number, now_ms: number): void {
      const index = channelOf(body, tag);
      if (index < 0) return;
      const left_s = body["left_s"] as number;
      if (!within(left_s, 0, LEASE_LONGEST_S, tag, "left_s")) return;
      panel.lease(index + 1, body["holder"] as string, left_s, now_ms);
      session().answer(tag, "panel_answer", { page: panel.page() });
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
      session().answer(tag, "echo_answer", body as Message<"echo_answer">);
    },
    log_read(this: void, body: Body, tag: number): void {
      log.read(body["first"] as number, tag);
    },
  };
  for (const name in others) handlers[name] = others[name] as Handler;
  for (const table of more) for (const name in table) handlers[name] = table[name] as Handler;
  if (update !== undefined) {
    handlers["firmware_get"] = (_body, tag) => update.answer(tag);
    handlers["firmware_open"] = (body, tag, now_ms) =>
      update.open(body["size"] as number, body["format"] as number, body["hash"] as string, tag, now_ms);
    handlers["firmware_write"] = (body, tag, now_ms) =>
      update.write(body["offset"] as number, body["data"] as string, tag, now_ms);
    handlers["firmware_start"] = (body, tag, now_ms) => update.start(body["hash"] as string, tag, now_ms);
    handlers["firmware_confirm"] = (body, tag) => update.confirm(body["hash"] as string, tag);
  }
  if (hal.flash_erase !== undefined) {
    const store = hal as FlashHal;
    const answer = (key: string, tag: number): void =>
      session().answer(tag, "store_answer", { key, value: store.store_get(key) });
    handlers["store_get"] = (body, tag) => answer(body["key"] as string, tag);
    handlers["store_set"] = (body, tag) => {
      const key = body["key"] as string;
      if (streams.running()) session().refuse(tag, Refusal.busy, "streams");
      else if (store.store_set(key, body["value"] as string)) answer(key, tag);
      else session().refuse(tag, Refusal.bad_value, "key or value");
    };
  }
  return handlers;
}
