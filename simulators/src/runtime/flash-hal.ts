import { monitoringFlash as map } from "@mltb/hardware";
import type { Flash } from "../parts/w25q16.ts";
import type { NodeHal } from "./node-hal.ts";
import { createSlots, type Slots } from "./slots.ts";
import { createStore } from "./store.ts";

/** The part of the HAL that a board with a flash of its own adds. */
export interface FlashHal {
  slots: Slots;
  /** The power has failed in the middle of a flash operation; from there on the flash takes nothing. */
  powerFailed(): boolean;
  powerUp(): void;
  hal: Required<
    Pick<
      NodeHal,
      | "flash_erase"
      | "flash_program"
      | "bundle_running"
      | "bundle_hash"
      | "bundle_finish"
      | "bundle_confirm"
      | "bundle_gave_way"
      | "bundle_restart"
      | "store_get"
      | "store_set"
    >
  >;
}

/**
 * @param own bundle that the board has without any in its slots
 * @param spend the controller is busy for a time
 * @param restart asks for an exchange of the bundle after the present call
 * @param gaveWay why the bundle before gave way, once
 */
export function createFlashHal(
  flash: Flash,
  own: string,
  now_us: () => number,
  spend: (us: number) => void,
  restart: () => void,
  gaveWay: () => string,
): FlashHal {
  let failed = false;
  flash.onCut = () => {
    failed = true;
  };
  /** The program that asked ends here: what it would do next, a controller without power does not. */
  function powered(): void {
    if (failed) throw new Error("no power");
  }
  function inside(offset: number, size: number): void {
    if (offset < 0 || offset + size > map.area_bytes) throw new RangeError("outside of the area");
  }
  function erase(offset: number): void {
    inside(offset, map.sector_bytes);
    if (offset % map.sector_bytes !== 0) throw new RangeError("no sector of the area");
    powered();
    spend(flash.erase(map.area + offset));
    powered();
  }
  function program(offset: number, bytes: Uint8Array): void {
    inside(offset, bytes.length);
    for (let at = 0; at < bytes.length; ) {
      const room = map.page_bytes - ((offset + at) % map.page_bytes);
      powered();
      spend(flash.program(map.area + offset + at, bytes.subarray(at, at + room)));
      powered();
      at += room;
    }
  }
  const slots = createSlots(flash, own, now_us, program);
  const store = createStore(flash, { erase, program });
  return {
    slots,
    powerFailed: () => failed,
    powerUp() {
      failed = false;
    },
    hal: {
      flash_erase: erase,
      flash_program: (offset, bytes) => program(offset, Buffer.from(bytes, "latin1")),
      bundle_running: slots.running,
      bundle_hash: slots.hash,
      bundle_finish: slots.finish,
      bundle_confirm: slots.confirm,
      bundle_gave_way: gaveWay,
      bundle_restart: restart,
      store_get: store.get,
      store_set: store.set,
    },
  };
}
