/** Bytes of flash that the second-stage loader takes, its sum included. */
export const BOOT2_BYTES = 256;
const FLASH = 0x1000_0000;
const PAYLOAD = 256;
/** Family of the RP2040 in the list of UF2 families. */
const RP2040_FAMILY = 0xe48b_ff56;
const FAMILY_PRESENT = 0x2000;

/** CRC-32 as the boot ROM sums a second-stage loader: polynomial 0x04C11DB7, nothing reflected, nothing inverted at the end. */
export function bootCrc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const value of bytes) {
    crc ^= value << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000_0000) !== 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc >>> 0;
}

/** The flash of a board from its first byte: loader, padded and summed, then the image. */
export function flashContent(boot2: Uint8Array, image: Uint8Array): Uint8Array {
  if (boot2.length > BOOT2_BYTES - 4) throw new RangeError(`the loader has ${boot2.length} bytes, 252 at most`);
  const flash = new Uint8Array(BOOT2_BYTES + image.length);
  flash.set(boot2);
  new DataView(flash.buffer).setUint32(BOOT2_BYTES - 4, bootCrc32(flash.subarray(0, BOOT2_BYTES - 4)), true);
  flash.set(image, BOOT2_BYTES);
  return flash;
}

/** The same as UF2, the format that the boot ROM's USB drive takes: blocks of 512 bytes with 256 of flash each. */
export function uf2(flash: Uint8Array): Uint8Array {
  const count = Math.ceil(flash.length / PAYLOAD);
  const file = new Uint8Array(count * 512);
  for (let n = 0; n < count; n += 1) {
    const view = new DataView(file.buffer, n * 512, 512);
    const words = [0x0a32_4655, 0x9e5d_5157, FAMILY_PRESENT, FLASH + n * PAYLOAD, PAYLOAD, n, count, RP2040_FAMILY];
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
    file.set(flash.subarray(n * PAYLOAD, (n + 1) * PAYLOAD), n * 512 + 32);
    view.setUint32(508, 0x0ab1_6f30, true);
  }
  return file;
}
