import { monitoringBoard } from "@mltb/hardware";
import {
  type BoardSession,
  type Body,
  CONTROL_BODY_BYTES,
  crc16,
  createBoardSession,
  createSeal,
  MAJOR,
  MINOR,
  Refusal,
  tableFingerprint,
  WINDOW_FRAMES,
} from "@mltb/protocol";
import { createChainOutputs } from "../../drivers/chain-outputs.ts";
import { createChain } from "../../drivers/hc595.ts";
import { createHandlers } from "../../services/dispatch.ts";
import { createLog, Level } from "../../services/log.ts";
import { createMarkers } from "../../services/markers.ts";
import { createMonitors } from "../../services/monitors.ts";
import { createPanel } from "../../services/panel.ts";
import { createPower } from "../../services/power.ts";
import { createProtection } from "../../services/protection.ts";
import { createReset } from "../../services/reset.ts";
import { createStreams } from "../../services/streams.ts";

const VERSION = "0.1.0";
/** Longest time between two ticks: buttons are read and edges taken at least this often. */
const TICK_MS = 10;
/** The output chain is latched again at this interval: its edges feed the watchdog that gates the outputs. */
const REFRESH_MS = 100;
/** Power and panel are served at this interval, not with every block of samples; power with every sweep too. */
const SERVICE_MS = 10;

/** Starts the firmware on a board: outputs safe, parts set up, link served. */
export function boot(hal: Hal): Firmware {
  const board = monitoringBoard;
  let now = 0;
  let service_ms = 0;
  let refresh_ms = 0;
  /** When the services want to be called again, whatever happens. */
  let due_ms = 0;
  let luaErrors = 0;

  // Services and session refer to each other: the session is reached through a function.
  let link: BoardSession | undefined;
  const session = (): BoardSession => link as BoardSession;

  const chain = createChain(hal, board.chain, board.chain_bits);
  const protection = createProtection(hal, board, session);
  const monitors = createMonitors(hal, board, protection.arm);
  const log = createLog(session, () => now);
  const outputs = createChainOutputs(hal, board, chain);
  const reset = createReset(hal, board.channels.length, outputs, session);
  const power = createPower(hal, board, outputs, monitors, protection, session, () => {
    refresh_ms = 0;
  });
  const seal = createSeal(hal.crc16 ?? crc16);
  const fingerprint = tableFingerprint(hal.crc16 ?? crc16);
  if (hal.deframe !== undefined) seal.unseal = hal.deframe;

  function counters(tag: number): void {
    const seen = session().port.counters;
    const frames = session().port.deframer.counters;
    session().answer(tag, "counters_answer", {
      good: frames.good,
      crc: frames.crc,
      malformed: frames.cobs + frames.short + frames.length + frames.kind + frames.major + seen.malformed,
      oversize: frames.oversize,
      skipped_bytes: frames.skipped_bytes,
      unknown: seen.unknown,
      duplicate: seen.duplicate,
      out_of_order: seen.out_of_order,
      resent: seen.resent,
      dropped_stream: seen.dropped_stream,
      dropped_tx: log.dropped(),
      lua_errors: luaErrors,
      heap_bytes: hal.heap_bytes(),
    });
  }

  link = createBoardSession({ write: hal.link_write, room: hal.link_room, writeFrame: hal.link_frame }, seal, {
    welcome: () => ({
      major: MAJOR,
      minor: MINOR,
      nonce: 0,
      epoch: hal.epoch(),
      window: WINDOW_FRAMES,
      body_limit: CONTROL_BODY_BYTES,
      fingerprint,
      reset_cause: hal.reset_cause(),
      uptime_ms: now,
      kind: board.kind,
      serial: hal.serial(),
      firmware: VERSION,
      capabilities: `power:1 reset:1 monitors:1${hal.sampler_start === undefined ? "" : " samples:2"}${
        hal.edge_take === undefined ? "" : " markers:1"
      } protection:1 panel:1 buttons:1 locate:1 log:1`,
    }),
    onRequest: (name, body, tag) => handle(name, body, tag),
    onHost: (present) => {
      if (!present) {
        streams.end();
        return;
      }
      log.flush();
      power.announce(now);
      panel.announce();
    },
    clock: () => ({ tick_us: hal.ticks_us(), uptime_ms: now }),
  });

  const streams = createStreams(hal, board, monitors, session);
  const markers = createMarkers(hal, board, session);
  const panel = createPanel(hal, board, power, monitors, session);
  const handlers = createHandlers(hal, board, { power, protection, reset, streams, panel, counters }, session);

  /** Runs a handler. An error in it refuses the request and is counted; it never reaches the loop. */
  function handle(name: string, body: Body, tag: number): void {
    const handler = handlers[name];
    if (handler === undefined) {
      session().refuse(tag, Refusal.not_capable, name);
      return;
    }
    const [ok, problem] = pcall(handler, body, tag, now);
    if (ok) return;
    luaErrors += 1;
    log.write(Level.error, `${name}: ${tostring(problem)}`);
    session().refuse(tag, Refusal.internal, name);
  }

  log.write(Level.info, `monitoring ${VERSION} started`);

  return {
    rx(this: void, chunk: string, now_ms: number): void {
      now = now_ms;
      due_ms = 0;
      session().rx(chunk, now);
    },
    tick(this: void, now_ms: number): number {
      now = now_ms;
      if (protection.tick(power, now_ms)) due_ms = 0;
      const fresh = monitors.tick(now_ms);
      streams.tick(now_ms, fresh);
      // A block of samples alone is no reason to look at everything else.
      if (!fresh && now_ms < due_ms) return due_ms - now_ms;
      reset.tick();
      markers.tick();
      if (fresh) power.tick(now_ms, true);
      if (now_ms >= service_ms) {
        service_ms = now_ms + SERVICE_MS;
        if (!fresh) power.tick(now_ms, false);
        panel.tick(now_ms);
      }
      if (now_ms >= refresh_ms) {
        refresh_ms = now_ms + REFRESH_MS;
        chain.write();
      }
      const wait = session().tick(now_ms, TICK_MS);
      const least = reset.dueIn(wait);
      due_ms = now_ms + least;
      return least;
    },
  };
}
