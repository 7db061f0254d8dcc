import { at, byte, shr, slice } from "#platform";
import { CRC_BYTES, HEADER_BYTES } from "../limits.ts";
import { cobsDecode, cobsEncode } from "./cobs.ts";
import { SealFault } from "./seal-fault.ts";

/** A CRC-16 over bytes, continued from `init`. */
export type Crc = (this: void, bytes: string, init: number) => number;

/**
 * What turns header and body into bytes on the wire and back: CRC, COBS, delimiter. Boards have it in C; this package has
 * it in TypeScript. The same vectors go through both.
 */
export interface Seal {
  /** Bytes on the wire, delimiter included. */
  seal(this: void, header: string, body: string): string;
  /** Header and body of what stood between two delimiters, or the number of a `SealFault`. */
  unseal(this: void, block: string): string | number;
}

/** The seal in TypeScript. */
export function createSeal(crc: Crc): Seal {
  return {
    seal(this: void, header: string, body: string): string {
      const plain = header + body;
      const sum = crc(plain, 65535);
      return `${cobsEncode(plain + byte(sum & 255) + byte(shr(sum, 8)))}\0`;
    },
    unseal(this: void, block: string): string | number {
      const data = cobsDecode(block);
      if (data === undefined) return SealFault.cobs;
      const end = data.length - CRC_BYTES;
      if (end < HEADER_BYTES) return SealFault.short;
      const sum = at(data, end) | (at(data, end + 1) << 8);
      const plain = slice(data, 0, end);
      return crc(plain, 65535) === sum ? plain : SealFault.crc;
    },
  };
}
