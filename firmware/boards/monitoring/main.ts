import { monitoringBoard, monitoringFlash } from "@mltb/hardware";
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
  TABLE_FINGERPRINT,
  useRuntimeCodec,
  WINDOW_FRAMES,
} from "@mltb/protocol";
import { createChainOutputs } from "../../drivers/chain-outputs.ts";
import { createChain } from "../../drivers/hc595.ts";
import { createHandlers } from "../../services/dispatch.ts";
import { handed, handOver, taken } from "../../services/handover.ts";
import { createLog, Level } from "../../services/log.ts";
import { createMarkers } from "../../services/markers.ts";
import { createMonitors } from "../../services/monitors.ts";
import { createPanel } from "../../services/panel.ts";
import { createPower } from "../../services/power.ts";
import { createProtection } from "../../services/protection.ts";
import { createRack } from "../../services/rack.ts";
import { createReset } from "../../services/reset.ts";
import { createStreams } from "../../services/streams.ts";
import { createUpdate } from "../../services/update.ts";

const VERSION = "0.1.0";
/** Longest time between two ticks: buttons are read and edges taken at least this often. */
const TICK_MS = 10;
/** The output chain is latched again at this interval: its edges feed the watchdog that gates the outputs. */
const REFRESH_MS = 100;
/** Power and panel are served at this interval, not with every block of samples; power with every sweep too. */
const SERVICE_MS = 10;
/** So late they come at most because frames keep arriving. */
const LATE_MS = 2;

/** Starts the firmware on a board: outputs safe, or as the bundle before has left them; parts set up, link served. */
export function boot(hal: Hal, kept?: string): Firmware {
  const board = monitoringBoard;
  let service_ms = 0;
  let refresh_ms = 0;
  /** When the services want to be called again, whatever happens. */
  let due_ms = 0;
  let luaErrors = 0;
  /** Frames taken until the last tick, to see whether others have come. */
  let heard = 0;

  // Services and session refer to each other: the session is reached through a function.
  let link: BoardSession | undefined;
  const session = (): BoardSession => link as BoardSession;

  const before = taken(kept, board.channels.length);
  const chain = createChain(hal, board.chain, board.chain_bits);
  const protection = createProtection(hal, board, session, before);
  const monitors = createMonitors(hal, board, protection.arm);
  const log = createLog(session, () => port.now_ms);
  // All bits at once: a channel that is on must not see a chain that is set one channel after the other.
  if (before !== undefined) {
    for (const { number, switch_bit } of board.channels)
      chain.set(switch_bit, before[number - 1]?.closed === true ? 1 : 0);
  }
  const outputs = createChainOutputs(hal, board, chain);
  const reset = createReset(hal, board.channels.length, outputs, session);
  const power = createPower(
    hal,
    board,
    outputs,
    monitors,
    protection,
    session,
    () => {
      refresh_ms = 0;
    },
    before,
  );
  const crc = hal.crc16 ?? crc16;
  const flash = hal.flash_erase === undefined ? undefined : (hal as FlashHal);
  const quiet = (): boolean => power.quiet() && reset.quiet();
  const update =
    flash === undefined ? undefined : createUpdate(flash, monitoringFlash, session, () => streams.running(), quiet);
  const seal = createSeal(crc);
  useRuntimeCodec(hal.body_pack, hal.body_unpack);

  function drops(tag: number): void {
    if (hal.counters === undefined) {
      session().refuse(tag, Refusal.not_capable, "drops");
      return;
    }
    const [
      link_overruns,
      link_foreign,
      link_stuck,
      converter_crc,
      converter_overruns,
      trips_lost,
      edges_lost,
      bus_failed,
      bus_recovered,
      bus_stuck,
    ] = hal.counters();
    session().answer(tag, "drops_answer", {
      link_overruns,
      link_foreign,
      link_stuck,
      converter_crc,
      converter_overruns,
      trips_lost,
      edges_lost,
      bus_failed,
      bus_recovered,
      bus_stuck,
    });
  }

  function counters(tag: number): void {
    let { good, crc, oversize, skipped_bytes } = port.deframer.counters;
    const { cobs, short, length, kind, major } = port.deframer.counters;
    let malformed = cobs + short + length + kind + major;
    if (hal.link_faults !== undefined) [good, crc, malformed, oversize, skipped_bytes] = hal.link_faults();
    session().answer(tag, "counters_answer", {
      good,
      crc,
      malformed: malformed + seen.malformed,
      oversize,
      skipped_bytes,
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
      fingerprint: TABLE_FINGERPRINT,
      reset_cause: hal.reset_cause(),
      uptime_ms: port.now_ms,
      kind: board.kind,
      serial: hal.serial(),
      firmware: VERSION,
      capabilities: `power:1 reset:1 monitors:1${hal.sampler_start === undefined ? "" : " samples:2"}${
        hal.edge_take === undefined ? "" : " markers:1"
      } protection:1 panel:1 rack:1 buttons:1 locate:1 log:1 logs:1${update === undefined ? "" : " update:1 store:1"}${
        hal.wave_keep === undefined ? "" : " waveform:1"
      }${hal.counters === undefined ? "" : " drops:1"}`,
    }),
    onRequest: handle,
    onHost: (present) => {
      if (!present) {
        streams.end();
        return;
      }
      log.flush();
      power.announce(port.now_ms);
      panel.announce();
      rack.announce();
    },
    ticks_us: hal.ticks_us,
  });

  const { port, tick: serve } = link;
  const seen = port.counters;
  const streams = createStreams(hal, board, monitors, session, () => update?.receiving() === true);
  const markers = createMarkers(hal, board, session);
  const rack = createRack(hal, board, session);
  const panel = createPanel(hal, board, power, monitors, rack, session);
  const handlers = createHandlers(
    hal,
    board,
    { power, protection, reset, streams, panel, log, update, counters, drops },
    session,
  );

  /** Runs a handler. An error in it refuses the request and is counted; it never reaches the loop. */
  function handle(name: string, body: Body, tag: number): void {
    const handler = handlers[name];
    if (handler === undefined) {
      session().refuse(tag, Refusal.not_capable, name);
      return;
    }
    const [ok, problem] = pcall(handler, body, tag, port.now_ms);
    if (ok) return;
    luaErrors += 1;
    log.write(Level.error, `${name}: ${tostring(problem)}`);
    session().refuse(tag, Refusal.internal, name);
  }

  const gaveWay = flash === undefined ? "" : flash.bundle_gave_way();
  if (gaveWay !== "") log.write(Level.error, `the bundle on trial gave way: ${gaveWay}`);
  log.write(Level.info, `monitoring ${VERSION} started${before === undefined ? "" : ", channels kept"}`);

  return {
    rx: port.rx,
    frame: port.frame,
    tick(this: void, now_ms: number): number {
      port.now_ms = now_ms;
      if (protection.tick(power, now_ms)) due_ms = 0;
      const fresh = monitors.tick(now_ms);
      streams.tick(now_ms, fresh);
      const frames = seen.rx_frames;
      const quiet = frames === heard;
      // A block of samples alone is no reason to look at everything else.
      if (quiet && !fresh && now_ms < due_ms) return due_ms - now_ms;
      heard = frames;
      reset.tick();
      if (fresh) power.tick(now_ms, true);
      let least = TICK_MS;
      // The turn that answers the host leaves the services to the next one.
      if (!quiet && now_ms - service_ms < LATE_MS) {
        if (now_ms >= service_ms) least = 1;
      } else {
        markers.tick();
        if (now_ms >= service_ms) {
          service_ms = now_ms + SERVICE_MS;
          if (!fresh) power.tick(now_ms, false);
          panel.tick(now_ms);
          rack.tick(now_ms);
          if (update !== undefined) update.tick(now_ms);
        }
        if (now_ms >= refresh_ms) {
          refresh_ms = now_ms + REFRESH_MS;
          chain.write();
        }
      }
      least = reset.dueIn(serve(now_ms, least));
      due_ms = now_ms + least;
      return least;
    },
    keep(this: void): string {
      let records = "";
      for (let i = 0; i < board.channels.length; i += 1) records += handed(power.kept(i), protection.limits(i));
      return handOver(records);
    },
  };
}
