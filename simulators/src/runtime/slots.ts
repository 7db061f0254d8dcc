import { createHash } from "node:crypto";
import { monitoringFlash as map } from "@mltb/hardware";
import { BundleFormat, crc16 } from "@mltb/protocol";
import type { Flash } from "../parts/w25q16.ts";

/** Time in which a new bundle is confirmed, or the one before it runs again. */
const TRIAL_US = 10_000_000;
const LAYOUT = 1;
const MAGIC = 0x42_54_4c_4d;
const HASH_BYTES = 32;
const HEAD_BYTES = 16 + HASH_BYTES;

/** Which bundle a Lua board runs: the twin of `firmware/lua-runtime/port/slots.c`, where the layout is described. */
export interface Slots {
  /** The bundle for this start, as a latin1 string; a new one is marked as tried. `ownOnly`: the slots' are left alone. */
  choose(ownOnly?: boolean): string;
  /** Slot, milliseconds left on trial or -1, and the format that this runtime takes. */
  running(): [number, number, number];
  hash(): string;
  finish(slot: number, size: number, hash: string): boolean;
  confirm(): void;
  overdue(): boolean;
}

/**
 * @param program programs bytes at an offset of the area, with the time that it takes
 */
export function createSlots(
  flash: Flash,
  own: string,
  now_us: () => number,
  program: (offset: number, bytes: Uint8Array) => void,
): Slots {
  let running = 0;
  let trial_us: number | undefined;

  const bytes = (offset: number, size: number): Buffer => Buffer.from(flash.bytes.buffer, map.area + offset, size);
  const base = (slot: number): number => (slot - 1) * map.slot_bytes;
  const sequence = (slot: number): number => bytes(base(slot), HEAD_BYTES).readUInt32LE(8);
  const size = (slot: number): number => bytes(base(slot), HEAD_BYTES).readUInt32LE(12);
  const content = (slot: number): string => bytes(base(slot) + map.content, size(slot)).toString("latin1");
  const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest().toString("latin1");
  const marked = (slot: number, n: number): boolean =>
    bytes(base(slot) + map.marks + 4 * n, 4).readUInt32LE() !== 0xffff_ffff;
  const mark = (slot: number, n: number): void => program(base(slot) + map.marks + 4 * n, new Uint8Array(4));

  function whole(slot: number): boolean {
    const head = bytes(base(slot), HEAD_BYTES + 2);
    return (
      head.readUInt32LE(0) === MAGIC &&
      head.readUInt32LE(4) === LAYOUT &&
      crc16(head.toString("latin1", 0, HEAD_BYTES), 0xffff) === head.readUInt16LE(HEAD_BYTES) &&
      size(slot) > 0 &&
      size(slot) <= map.slot_bytes - map.content
    );
  }
  function startable(slot: number): boolean {
    if (!whole(slot) || (marked(slot, 0) && !marked(slot, 1))) return false;
    return sha256(content(slot)) === bytes(base(slot) + 16, HASH_BYTES).toString("latin1");
  }
  const slots = Array.from({ length: map.slots }, (_, n) => n + 1);
  const current = (): string => (running === 0 ? own : content(running));

  return {
    choose(ownOnly = false) {
      running = 0;
      for (const slot of ownOnly ? [] : slots) {
        if (startable(slot) && (running === 0 || sequence(slot) > sequence(running))) running = slot;
      }
      trial_us = undefined;
      if (running !== 0 && !marked(running, 1)) {
        mark(running, 0);
        trial_us = now_us();
      }
      return current();
    },
    running() {
      const left = trial_us === undefined ? -1 : Math.max(0, Math.floor((TRIAL_US - (now_us() - trial_us)) / 1000));
      return [running, left, BundleFormat.source];
    },
    hash: () => sha256(current()),
    finish(slot, count, hash) {
      if (!slots.includes(slot) || count > map.slot_bytes - map.content) return false;
      if (sha256(bytes(base(slot) + map.content, count).toString("latin1")) !== hash) return false;
      const head = Buffer.alloc(HEAD_BYTES + 2);
      head.writeUInt32LE(MAGIC, 0);
      head.writeUInt32LE(LAYOUT, 4);
      head.writeUInt32LE(1 + Math.max(0, ...slots.filter(whole).map(sequence)), 8);
      head.writeUInt32LE(count, 12);
      head.write(hash, 16, "latin1");
      head.writeUInt16LE(crc16(head.toString("latin1", 0, HEAD_BYTES), 0xffff), HEAD_BYTES);
      program(base(slot), head);
      return true;
    },
    confirm() {
      if (trial_us === undefined) return;
      trial_us = undefined;
      mark(running, 1);
    },
    overdue: () => trial_us !== undefined && now_us() - trial_us >= TRIAL_US,
  };
}
