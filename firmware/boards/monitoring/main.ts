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
import { createCalibrations } from "../../services/calibration.ts";
import { counterHandlers } from "../../services/counters.ts";
import { createHandlers } from "../../services/dispatch.ts";
import { handed, handOver, type Switched, taken } from "../../services/handover.ts";
import { createLog, Level } from "../../services/log.ts";
import { createMarkers } from "../../services/markers.ts";
import { createMonitors } from "../../services/monitors.ts";
import { createPanel } from "../../services/panel.ts";
import { createPower } from "../../services/power.ts";
import { createChecks } from "../../services/power-requests.ts";
import { createProtection, type Limits } from "../../services/protection.ts";
import { createRack } from "../../services/rack.ts";
import { createReset } from "../../services/reset.ts";
import { afterOutage, createRules } from "../../services/rules.ts";
import { createSettings, settingsHandlers } from "../../services/settings.ts";
import { createStorage } from "../../services/storage.ts";
import { createStrap } from "../../services/strap.ts";
import { createStreams } from "../../services/streams.ts";
import { createUpdate } from "../../services/update.ts";
import { createWatch } from "../../services/watch.ts";
import { createWaveforms } from "../../services/waveform.ts";

const VERSION = "0.1.0";
/**
 * Longest time between two ticks: buttons are read and edges taken at least this often. Longer than a sweep, so that the tick
 * which takes the next one, 10 ms later but for a part of a millisecond, is not preceded by one of its own.
 */
const TICK_MS = 12;
/** The output chain is latched again at this interval: its edges feed the watchdog that gates the outputs. */
const REFRESH_MS = 100;
/** Power and panel are served with every sweep, and at this interval where none comes; not with every block of samples. */
const SERVICE_MS = 12;
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

  const crc = hal.crc16 ?? crc16;
  const flash = hal.flash_erase === undefined ? undefined : (hal as FlashHal);
  const storage = createStorage(
    // Without a store nothing is kept, and requests that would keep something are refused.
    flash === undefined ? { read: () => "", write: () => false } : { read: flash.store_get, write: flash.store_set },
    crc,
  );
  const busy = (): boolean => streams.running();
  const count = board.channels.length;
  const { channelOf } = createChecks(count, session);
  const settings = createSettings(count, board.nominal_v, board.limits, storage, busy);
  const calibrations = createCalibrations(count, storage, channelOf, busy, session);
  const waveforms = createWaveforms(hal, session);
  const handedOver = taken(kept, count);
  const protection = createProtection(
    hal,
    board,
    session,
    handedOver,
    storage,
    busy,
    (index, more_ma) => rules.refuses(index, 0, more_ma),
    (now_ms) => rules.closed(now_ms),
    waveforms.tripping,
  );
  const before = handedOver ?? afterOutage(settings, storage, protection.all);
  const chain = createChain(hal, board.chain, board.chain_bits);
  const monitors = createMonitors(hal, board, calibrations, protection.arm);
  const log = createLog(session, () => port.now_ms);
  // All bits at once: a channel that is on must not see a chain that is set one channel after the other.
  for (const { number, switch_bit } of board.channels) {
    chain.set(switch_bit, before[number - 1]?.closed === true ? 1 : 0);
  }
  const outputs = createChainOutputs(hal, board, chain);
  const reset = createReset(hal, count, outputs, session);
  const power = createPower(
    hal,
    board,
    outputs,
    monitors,
    protection,
    session,
    (index) => {
      refresh_ms = 0;
      rules.changed(index);
    },
    before,
  );
  const rules = createRules(settings, protection.all, storage, power, (index, cause) => strap.commanded(index, cause));
  // From here on every command goes through the rules, wherever it comes from.
  power.command = rules.command;
  const strap = createStrap(count, storage, outputs, power, power.answerOutcome, channelOf, busy, session);
  const watch = createWatch(hal, board, settings, monitors, calibrations, session);
  const quiet = (): boolean => rules.quiet() && reset.quiet() && strap.quiet();
  const update =
    flash === undefined ? undefined : createUpdate(flash, monitoringFlash, session, () => streams.running(), quiet);
  const seal = createSeal(crc);
  useRuntimeCodec(hal.body_pack, hal.body_unpack);

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
      capabilities: `power:1 reset:1 monitors:1${hal.sampler_start === undefined ? "" : " samples:2"} markers:1 protection:1 settings:1 lines:1 panel:1 rack:1 buttons:1 locate:1 log:1 logs:1${update === undefined ? "" : " update:1 store:1"}${
        hal.wave_keep === undefined ? "" : " waveform:2"
      }${hal.counters === undefined ? "" : " drops:1"}`,
    }),
    onRequest: handle,
    onHost: (present) => {
      rules.host(present, port.now_ms);
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
  const rack = createRack(hal, board, session, calibrations.warmed);
  const panel = createPanel(hal, board, power, monitors, rack, session);
  const handlers = createHandlers(hal, board, { power, protection, reset, streams, panel, log, update }, session, [
    counterHandlers(hal, session, () => luaErrors, log.dropped),
    settingsHandlers(settings, channelOf, rules, session),
    calibrations.handlers,
    strap.handlers,
    waveforms.handlers,
  ]);

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
  log.write(Level.info, `monitoring ${VERSION} started${handedOver === undefined ? "" : ", channels kept"}`);

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
      if (fresh) {
        waveforms.swept(monitors.registers(), monitors.blockTick());
        watch.swept(power, now_ms);
        if (!rules.tick(now_ms)) power.tick(now_ms, true);
      }
      let least = TICK_MS;
      // The turn that answers the host leaves the services to the next one.
      if (!quiet && now_ms - service_ms < LATE_MS) {
        if (now_ms >= service_ms) least = 1;
      } else {
        markers.tick();
        if (fresh || now_ms >= service_ms) {
          service_ms = now_ms + SERVICE_MS;
          if (!fresh && !rules.tick(now_ms)) power.tick(now_ms, false);
          strap.tick(now_ms);
          if (panel.tick(now_ms, fresh)) {
            service_ms = now_ms + 1;
            least = 1;
          }
          rack.tick(now_ms);
          if (update !== undefined) update.tick(now_ms);
        }
        if (now_ms >= refresh_ms) {
          refresh_ms = now_ms + REFRESH_MS;
          chain.write();
        }
      }
      // The hard limit takes over from an inrush profile to the millisecond.
      if (protection.rushing > 0) least = 1;
      least = reset.dueIn(serve(now_ms, least));
      due_ms = now_ms + least;
      return least;
    },
    keep(this: void): string {
      let records = "";
      for (let i = 0; i < board.channels.length; i += 1)
        records += handed(power.controls[i] as Switched, protection.all[i] as Limits);
      return handOver(records);
    },
  };
}
