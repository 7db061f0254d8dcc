import { crc16 } from "@mltb/protocol/codec";
import { createRecords } from "../drivers/at24c.ts";

/** Commands of this bundle, by the first byte of what it receives; the second is the slot. */
const SAVE = "s";
const LOAD = "l";

/**
 * The records of an EEPROM alone, for tests of their driver: `s`, slot and content begin a save, `l` and slot answer with
 * what is kept. A save that cannot begin is answered by `busy`; `keep` says how many saves failed.
 */
export function boot(hal: Hal): Firmware {
  const records = createRecords(hal, 1, 0x50, crc16);
  return {
    rx(this: void, chunk: string, now_ms: number): void {
      const command = string.sub(chunk, 1, 1);
      const slot = string.byte(chunk, 2);
      if (command === LOAD) hal.link_write(records.load(slot));
      else if (command === SAVE && !records.save(slot, string.sub(chunk, 3), now_ms)) hal.link_write("busy");
    },
    frame(): void {
      // The link carries commands, not frames.
    },
    tick(this: void, now_ms: number): number {
      records.tick(now_ms);
      return records.busy() ? 1 : 100;
    },
    keep(this: void): string {
      return `${records.failures()}`;
    },
  };
}
