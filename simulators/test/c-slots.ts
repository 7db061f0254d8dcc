import { monitoringFlash, W25Q16 } from "@mltb/hardware";
import type { Flash } from "../src/index.ts";
import { type WasmMemory, webAssembly } from "../src/runtime/web-assembly.ts";

/** The C of a board's slots and store over a flash, as after a start of the board. */
export interface CSlots {
  /** The bundle that this start runs, as a latin1 string; `own` for the image's, which lies outside the flash that it keeps. */
  choose(): string;
  /** Erases a slot (1, 2) and programs content into it, as a transfer does. */
  receive(slot: number, content: Uint8Array): void;
  finish(slot: number, content: Uint8Array, sha256: Uint8Array): boolean;
  confirm(): void;
  get(key: string): string;
  set(key: string, value: string): boolean;
}

interface Exports {
  memory: WasmMemory;
  _initialize?(): void;
  malloc(size: number): number;
  frame_init(): void;
  flash_area(): number;
  flash_area_size(): number;
  slots_choose(size: number, ownOnly: number): number;
  slots_finish(slot: number, size: number, hash: number): number;
  slots_confirm(): void;
  store_get(key: number, keySize: number, size: number): number;
  store_set(key: number, keySize: number, value: number, valueSize: number): number;
}

const { area, slot_bytes, content: CONTENT } = monitoringFlash;
const { sector_bytes, page_bytes } = W25Q16;

/** Starts a module of `buildSlotsWasm` with what the flash holds; what it erases and programs is done to the flash. */
export function cSlots(module: object, flash: Flash): CSlots {
  const fresh = (): void => {
    const at = c.flash_area();
    new Uint8Array(c.memory.buffer).set(flash.bytes.subarray(area, area + c.flash_area_size()), at);
  };
  /** Page by page, as the chip takes bytes and as `flash.c` gives them. */
  const program = (offset: number, bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(bytes.length - at, page_bytes - ((offset + at) % page_bytes));
      flash.program(area + offset + at, bytes.subarray(at, at + size));
      at += size;
    }
    fresh();
  };
  const env = {
    host_program: (offset: number, from: number, size: number) =>
      program(offset, new Uint8Array(c.memory.buffer).slice(from, from + size)),
    host_erase(offset: number) {
      flash.erase(area + offset);
      fresh();
    },
    host_ticks_us: () => 0,
  };
  const c = new webAssembly.Instance(module as never, { env }).exports as unknown as Exports;
  c._initialize?.();
  c.frame_init();
  fresh();
  const size = c.malloc(4);
  const [first, second] = [c.malloc(256), c.malloc(256)];
  const put = (at: number, bytes: Uint8Array): number => {
    new Uint8Array(c.memory.buffer).set(bytes, at);
    return at;
  };
  const got = (at: number): string =>
    Buffer.from(c.memory.buffer, at, new Uint32Array(c.memory.buffer)[size >> 2]).toString("latin1");
  return {
    choose() {
      const at = c.slots_choose(size, 0);
      const inFlash = at >= c.flash_area() && at < c.flash_area() + c.flash_area_size();
      return inFlash ? got(at) : "own";
    },
    receive(slot, content) {
      const base = (slot - 1) * slot_bytes;
      for (let at = 0; at < CONTENT + content.length; at += sector_bytes) env.host_erase(base + at);
      program(base + CONTENT, content);
    },
    finish: (slot, content, sha256) => c.slots_finish(slot, content.length, put(first, sha256)) === 1,
    confirm: () => c.slots_confirm(),
    get: (key) => got(c.store_get(put(first, Buffer.from(key)), key.length, size)),
    set: (key, value) =>
      c.store_set(put(first, Buffer.from(key)), key.length, put(second, Buffer.from(value)), value.length) === 1,
  };
}
