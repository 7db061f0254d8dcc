import type { FlashMap } from "@mltb/hardware";
import { type BoardSession, FirmwareState, Refusal } from "@mltb/protocol";

/** A transfer that stands still for this long is given up. */
const IDLE_MS = 3000;
/** The answer has left before the bundle is exchanged. */
const RESTART_AFTER_MS = 50;

/** Receives bundles into the slot that does not run, and exchanges the running one. */
export interface Update {
  answer(this: void, tag: number): void;
  open(this: void, size: number, format: number, hash: string, tag: number, now_ms: number): void;
  write(this: void, offset: number, data: string, tag: number, now_ms: number): void;
  start(this: void, hash: string, tag: number, now_ms: number): void;
  confirm(this: void, hash: string, tag: number): void;
  /** A bundle is being received: there is no time for streams. */
  receiving(this: void): boolean;
  tick(this: void, now_ms: number): void;
}

/**
 * The runtime chooses among slots when it starts, and gives a new bundle ten seconds to be confirmed
 * (`lua-runtime/port/slots.c`).
 *
 * @param streaming whether a stream runs
 * @param quiet whether nothing is under way that a restart would disturb
 */
export function createUpdate(
  hal: FlashHal,
  map: FlashMap,
  session: () => BoardSession,
  streaming: (this: void) => boolean,
  quiet: (this: void) => boolean,
): Update {
  let size = 0;
  let wanted = "";
  let received = 0;
  /** The slot that is written, and its offset. */
  let into = 1;
  let base = 0;
  let heard_ms = -1;
  let restart_ms = -1;

  function answer(tag: number): void {
    const [slot, left_ms, format] = hal.bundle_running();
    session().answer(tag, "firmware_answer", {
      slot,
      state: slot === 0 ? FirmwareState.factory : left_ms < 0 ? FirmwareState.confirmed : FirmwareState.trial,
      format,
      left_ms: left_ms < 0 ? 0 : left_ms,
      received,
      hash: hal.bundle_hash(),
    });
  }

  return {
    answer,
    open(this: void, bytes: number, format: number, hash: string, tag: number, now_ms: number): void {
      const [slot, left_ms, own] = hal.bundle_running();
      if (format !== own) session().refuse(tag, Refusal.bad_value, `format ${own}`);
      else if (bytes < 1 || bytes > map.slot_bytes - map.content) session().refuse(tag, Refusal.bad_value, "size");
      else if (hash.length !== 32) session().refuse(tag, Refusal.bad_value, "hash");
      else if (streaming()) session().refuse(tag, Refusal.busy, "streams");
      else if (left_ms >= 0 || restart_ms >= 0) session().refuse(tag, Refusal.busy, "on trial");
      else {
        into = slot === 1 ? 2 : 1;
        base = (into - 1) * map.slot_bytes;
        hal.flash_erase(base);
        size = bytes;
        wanted = hash;
        received = 0;
        heard_ms = now_ms;
        answer(tag);
      }
    },
    write(this: void, offset: number, data: string, tag: number, now_ms: number): void {
      if (heard_ms < 0) session().refuse(tag, Refusal.bad_value, "no transfer");
      else if (offset !== received || received + data.length > size) session().refuse(tag, Refusal.bad_value, "offset");
      else {
        const from = base + map.content + received;
        const to = from + data.length;
        // The sector that these bytes begin; the slot's first one was erased when the transfer was opened.
        const sector = to - ((to - 1) % map.sector_bytes) - 1;
        if (sector >= from) hal.flash_erase(sector);
        hal.flash_program(from, data);
        received += data.length;
        heard_ms = now_ms;
        session().answer(tag, "firmware_written", { received });
      }
    },
    start(this: void, hash: string, tag: number, now_ms: number): void {
      if (heard_ms < 0 || hash !== wanted || received !== size) {
        session().refuse(tag, Refusal.bad_value, "incomplete");
      } else if (!quiet()) session().refuse(tag, Refusal.busy, "a sequence runs");
      else if (!hal.bundle_finish(into, size, hash)) {
        heard_ms = -1;
        session().refuse(tag, Refusal.bad_check, "hash");
      } else {
        heard_ms = -1;
        restart_ms = now_ms + RESTART_AFTER_MS;
        answer(tag);
      }
    },
    confirm(this: void, hash: string, tag: number): void {
      if (hash !== hal.bundle_hash()) session().refuse(tag, Refusal.bad_value, "hash");
      else {
        hal.bundle_confirm();
        answer(tag);
      }
    },
    receiving(this: void): boolean {
      return heard_ms >= 0;
    },
    tick(this: void, now_ms: number): void {
      if (heard_ms >= 0 && now_ms - heard_ms > IDLE_MS) heard_ms = -1;
      if (restart_ms < 0 || now_ms < restart_ms) return;
      restart_ms = -1;
      hal.bundle_restart();
    },
  };
}
