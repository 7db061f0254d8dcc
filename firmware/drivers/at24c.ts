import { AT24C } from "@mltb/hardware";
import { byte, shr } from "#platform";

/** Bytes of one copy of a record: head, content, checksum. Two copies make a slot. */
const COPY_BYTES = 256;
const HEAD_BYTES = 3;
const RECORD_BYTES = COPY_BYTES - HEAD_BYTES - 2;
/** Most that a transfer reads. */
const READ_BYTES = 64;
/** A part that does not acknowledge for so long is not writing: it is not there. */
const PATIENCE_MS = 100;

export interface Records {
  /** The newest whole record of a slot (0 to 7): empty where there is none, or the part does not answer. */
  load(this: void, slot: number): string;
  /**
   * Begins to write a record of up to 251 bytes. What was there stays valid until the new one is whole, also over a loss of
   * power. False while another is written, and where it is too long.
   */
  save(this: void, slot: number, bytes: string, now_ms: number): boolean;
  busy(this: void): boolean;
  /** Saves that came to nothing: the part did not answer, or did not read back what was written. */
  failures(this: void): number;
  /** Writes one page at a time, when the part acknowledges again; never waits. */
  tick(this: void, now_ms: number): void;
}

/**
 * Records in an AT24C EEPROM, each kept twice: a save overwrites the older copy, page by page (`AT24C.page_bytes`), and is
 * whole only with the checksum at its end. The write cycle is not waited for: a part that is writing does not acknowledge
 * (DS20006109A, 7.3), and is asked again at the next tick. A finished copy is read back.
 */
export function createRecords(
  hal: Hal,
  bus: number,
  address: number,
  crc16: (this: void, bytes: string, init: number) => number,
): Records {
  /** The copy under way: what it must be, where it begins, and how much of it is written. */
  let copy = "";
  let base = 0;
  let written = 0;
  let since_ms = 0;
  let failed = 0;

  function place(offset: number): string {
    return byte(shr(offset, 8)) + byte(offset & 255);
  }

  function read(offset: number, count: number): string | undefined {
    let bytes = "";
    while (bytes.length < count) {
      const left = count - bytes.length;
      const part = hal.i2c_xfer(bus, address, place(offset + bytes.length), left > READ_BYTES ? READ_BYTES : left);
      if (part === undefined) return undefined;
      bytes += part;
    }
    return bytes;
  }

  /** Number and content of a copy; number -1 where it is not whole. */
  function copyAt(offset: number): LuaMultiReturn<[number, string]> {
    const head = read(offset, HEAD_BYTES);
    if (head === undefined) return $multi(-1, "");
    const [number, size] = string.unpack("<I2B", head);
    const length = size as number;
    if (length > RECORD_BYTES) return $multi(-1, "");
    const rest = read(offset + HEAD_BYTES, length + 2);
    if (rest === undefined) return $multi(-1, "");
    const content = string.sub(rest, 1, length);
    const [sum] = string.unpack("<I2", rest, length + 1);
    if (crc16(head + content, 65535) !== sum) return $multi(-1, "");
    return $multi(number as number, content);
  }

  /** Which copy is newer, counted modulo 65536; -1 where neither is whole. */
  function newest(slot: number): LuaMultiReturn<[number, number, string]> {
    const [first, one] = copyAt(slot * 2 * COPY_BYTES);
    const [second, two] = copyAt((slot * 2 + 1) * COPY_BYTES);
    if (first < 0 && second < 0) return $multi(-1, 0, "");
    if (second < 0 || (first >= 0 && ((first - second) & 65535) < 32768)) return $multi(0, first, one);
    return $multi(1, second, two);
  }

  function end(good: boolean): void {
    copy = "";
    if (!good) failed += 1;
  }

  return {
    load(this: void, slot: number): string {
      const [, , content] = newest(slot);
      return content;
    },
    save(this: void, slot: number, bytes: string, now_ms: number): boolean {
      if (copy !== "" || bytes.length > RECORD_BYTES) return false;
      const [which, number] = newest(slot);
      base = (slot * 2 + (which === 0 ? 1 : 0)) * COPY_BYTES;
      const head = string.pack("<I2B", (number + 1) & 65535, bytes.length);
      copy = head + bytes + string.pack("<I2", crc16(head + bytes, 65535));
      written = 0;
      since_ms = now_ms;
      return true;
    },
    busy(this: void): boolean {
      return copy !== "";
    },
    failures(this: void): number {
      return failed;
    },
    tick(this: void, now_ms: number): void {
      if (copy === "") return;
      if (written >= copy.length) {
        const seen = read(base, copy.length);
        if (seen !== undefined) end(seen === copy);
        else if (now_ms - since_ms >= PATIENCE_MS) end(false);
        return;
      }
      // A copy begins at a page, so that a page's worth never wraps.
      const page = string.sub(copy, written + 1, written + AT24C.page_bytes);
      if (hal.i2c_xfer(bus, address, place(base + written) + page, 0) !== undefined) {
        written += page.length;
        since_ms = now_ms;
      } else if (now_ms - since_ms >= PATIENCE_MS) end(false);
    },
  };
}
