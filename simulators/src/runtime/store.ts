import { monitoringFlash as map } from "@mltb/hardware";
import { crc16 } from "@mltb/protocol";
import type { Flash } from "../parts/w25q16.ts";

const HEAD_BYTES = 8;
const MAGIC = 0x534d;
const KEY_BYTES = 31;
const VALUE_BYTES = 200;

/** Values that outlive restarts: the twin of `firmware/lua-runtime/port/store.c`, where the layout is described. */
export interface Store {
  get(key: string): string;
  set(key: string, value: string): boolean;
}

export interface FlashWrites {
  erase(offset: number): void;
  program(offset: number, bytes: Uint8Array): void;
}

export function createStore(flash: Flash, writes: FlashWrites): Store {
  const sector = (n: number): Buffer =>
    Buffer.from(flash.bytes.buffer, map.area + map.store + n * map.sector_bytes, map.sector_bytes);
  const offset = (n: number): number => map.store + n * map.sector_bytes;
  const crc = (bytes: Buffer): number => crc16(bytes.toString("latin1"), 0xffff);

  function summed(bytes: Buffer): Buffer {
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(crc(bytes));
    return Buffer.concat([bytes, sum]);
  }
  const holds = (bytes: Buffer): boolean => crc(bytes.subarray(0, -2)) === bytes.readUInt16LE(bytes.length - 2);

  function generation(n: number): number {
    const head = sector(n).subarray(0, HEAD_BYTES);
    return head.readUInt16LE(0) === MAGIC && holds(head) ? head.readUInt32LE(2) : 0;
  }

  /** Values of a sector by key, and where its log ends. */
  function read(n: number): { values: Map<string, string>; end: number } {
    const bytes = sector(n);
    const values = new Map<string, string>();
    let at = HEAD_BYTES;
    while (generation(n) !== 0 && at + 4 <= bytes.length) {
      const [keyBytes = 0, valueBytes = 0] = bytes.subarray(at, at + 2);
      const size = 4 + keyBytes + valueBytes;
      if (keyBytes > KEY_BYTES || valueBytes > VALUE_BYTES || at + size > bytes.length) break;
      const record = bytes.subarray(at, at + size);
      if (!holds(record)) break;
      const key = record.toString("latin1", 2, 2 + keyBytes);
      // The order in which a rewrite puts them is that of their last change.
      values.delete(key);
      values.set(key, record.toString("latin1", 2 + keyBytes, size - 2));
      at += size;
    }
    return { values, end: at };
  }

  const current = (): number => (generation(1) > generation(0) ? 1 : 0);
  const record = (key: string, value: string): Buffer =>
    summed(Buffer.from(String.fromCharCode(key.length, value.length) + key + value, "latin1"));

  return {
    get: (key) => read(current()).values.get(key) ?? "",
    set(key, value) {
      if (key === "" || key.length > KEY_BYTES || value.length > VALUE_BYTES) return false;
      const from = current();
      const { values, end } = read(from);
      if ((values.get(key) ?? "") === value) return true;
      const bytes = record(key, value);
      const free = sector(from).subarray(end, end + bytes.length);
      if (generation(from) !== 0 && free.length === bytes.length && free.every((byte) => byte === 0xff)) {
        writes.program(offset(from) + end, bytes);
        return true;
      }
      const to = 1 - from;
      const kept = [...values].filter(([name, kept]) => name !== key && kept !== "");
      const content = Buffer.concat([...kept.map(([name, kept]) => record(name, kept)), bytes]);
      if (HEAD_BYTES + content.length > map.sector_bytes) return false;
      writes.erase(offset(to));
      writes.program(offset(to) + HEAD_BYTES, content);
      const head = Buffer.alloc(HEAD_BYTES - 2);
      head.writeUInt16LE(MAGIC, 0);
      head.writeUInt32LE(generation(from) + 1, 2);
      writes.program(offset(to), summed(head));
      return true;
    },
  };
}
