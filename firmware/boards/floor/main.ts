import { floorBoard } from "@mltb/hardware";
import {
  type BoardSession,
  type Body,
  CONTROL_BODY_BYTES,
  createBoardSession,
  MAJOR,
  MINOR,
  Refusal,
  type Seal,
  WINDOW_FRAMES,
} from "@mltb/protocol";
import { idiv } from "#platform";
import { createPinOutputs } from "../../drivers/pin-outputs.ts";
import { readTmp105 } from "../../drivers/tmp105.ts";
import { createHotSwap } from "../../services/hot-swap.ts";
import { createPower } from "../../services/power.ts";
import { createPowerRequests } from "../../services/power-requests.ts";
import { createReset } from "../../services/reset.ts";

const VERSION = "0.1.0";
const TICK_MS = 10;
/** This table is not the host's and is not described: no fingerprint. */
const NO_FINGERPRINT = 0;
const INFO_LEVEL = 1;
const ERROR_LEVEL = 3;

/** Starts the firmware of a floor board: outputs safe, link served. CRC, COBS and framing are the runtime's. */
export function boot(hal: Hal): Firmware {
  const board = floorBoard;
  const { limits } = board;
  const channels = board.channels.length;
  let luaErrors = 0;

  // Services and session refer to each other: the session is reached through a function.
  let link: BoardSession | undefined;
  const session = (): BoardSession => link as BoardSession;

  const outputs = createPinOutputs(hal, board);
  const monitors = createHotSwap(hal, board);
  const reset = createReset(hal, channels, outputs, session);
  const rated_ua = idiv(limits.rated_a * 1000000, 1);
  const rated = (): number => rated_ua;
  const nothing = (): void => undefined;
  // Without hardware protection there is no hard limit to raise for the inrush.
  const protection = {
    closing: nothing,
    tripping: nothing,
    slow_ua: rated,
    slow_ms: (): number => limits.slow_ms,
    lowest_ua: rated,
  };
  const power = createPower(hal, board, outputs, monitors, protection, session, nothing, undefined);
  const handlers = createPowerRequests(channels, power, reset, session);

  handlers["echo"] = (body, tag) => session().answer(tag, "echo_answer", { data: body["data"] as string });
  handlers["counters_get"] = (_body, tag) => {
    const seen = port.counters;
    // Floor boards deframe in the runtime.
    const [good, crc, malformed, oversize, skipped_bytes] = (hal.link_faults as NonNullable<typeof hal.link_faults>)();
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
      dropped_stream: 0,
      dropped_tx: 0,
      lua_errors: luaErrors,
      heap_bytes: hal.heap_bytes(),
    });
  };

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
    session().event("log", { level: ERROR_LEVEL, uptime_ms: port.now_ms, text: `${name}: ${tostring(problem)}` });
    session().refuse(tag, Refusal.internal, name);
  }

  const created = createBoardSession(
    { write: hal.link_write, room: hal.link_room, writeFrame: hal.link_frame },
    // The runtime deframes.
    {} as Seal,
    {
      welcome: () => ({
        major: MAJOR,
        minor: MINOR,
        nonce: 0,
        epoch: hal.epoch(),
        window: WINDOW_FRAMES,
        body_limit: CONTROL_BODY_BYTES,
        fingerprint: NO_FINGERPRINT,
        reset_cause: hal.reset_cause(),
        uptime_ms: port.now_ms,
        kind: board.kind,
        serial: hal.serial(),
        firmware: VERSION,
        capabilities: "power:1 reset:1 log:1",
      }),
      onRequest: handle,
      onHost: (present) => {
        if (!present) return;
        power.announce(port.now_ms);
        // The wire has no message for it yet: the log tells each host that comes.
        const celsius_m = readTmp105(hal, board.monitor_bus, board.thermometer_address);
        const text = celsius_m === undefined ? "no TMP105" : `${celsius_m} mC`;
        session().event("log", { level: INFO_LEVEL, uptime_ms: port.now_ms, text });
      },
      ticks_us: hal.ticks_us,
    },
  );
  link = created;
  const { port, tick: serve } = created;

  return {
    rx: port.rx,
    frame: port.frame,
    tick(this: void, now_ms: number): number {
      port.now_ms = now_ms;
      reset.tick();
      power.tick(now_ms, monitors.tick(now_ms));
      return reset.dueIn(serve(now_ms, TICK_MS));
    },
  };
}
