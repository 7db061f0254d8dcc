import { at, shr } from "#platform";

/**
 * CRC-16 with polynomial 0x1021, initial value 0xFFFF, no reflection (check value of "123456789": 0x29B1).
 * Table-free byte-wise form: no RAM for a table, and every operand stays below 2^28, so that 32-bit Lua agrees.
 *
 * @param s bytes
 * @param init running value of earlier bytes, 0xFFFF to start
 */
export function crc16(s: string, init: number): number {
  let crc = init;
  for (let i = 0; i < s.length; i += 1) {
    crc = shr(crc, 8) | ((crc & 255) << 8);
    crc ^= at(s, i);
    crc ^= shr(crc & 255, 4);
    crc ^= (crc & 15) << 12;
    crc ^= (crc & 255) << 5;
  }
  return crc;
}
