import type { RP2040 } from "rp2040js";

const SNIFF_CTRL = 0x434;
const SNIFF_DATA = 0x438;
const SNIFF_EN = 1 << 23;

interface Channel {
  index: number;
  ctrl: number;
  readAddr: number;
  transfer8(): void;
  transfer16(): void;
  transfer32(): void;
}

interface Dma {
  channels: Channel[];
  readUint32(offset: number): number;
  writeUint32(offset: number, value: number): void;
}

/**
 * Adds the DMA's sniffer, which the emulator leaves out: CRC-16-CCITT (CALC 2) over the transfers of one channel, bytes
 * of a word most significant first unless SNIFF_CTRL.BSWAP is set (RP2040 data sheet, 2.5.5.2).
 */
export function addSniffer(chip: RP2040): void {
  const dma = chip.dma as unknown as Dma;
  let control = 0;
  let crc = 0;

  function feed(value: number, bytes: number): void {
    for (let n = 0; n < bytes; n += 1) {
      const shift = (control & (1 << 9)) !== 0 ? 8 * n : 8 * (bytes - 1 - n);
      crc ^= ((value >>> shift) & 0xff) << 8;
      for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ ((crc & 0x8000) !== 0 ? 0x1021 : 0)) & 0xffff;
    }
  }

  const sniffs = (channel: Channel): boolean =>
    (control & 1) !== 0 &&
    ((control >> 5) & 15) === 2 &&
    ((control >> 1) & 15) === channel.index &&
    (channel.ctrl & SNIFF_EN) !== 0;

  for (const channel of dma.channels) {
    const bytes = { transfer8: 1, transfer16: 2, transfer32: 4 } as const;
    for (const [name, size] of Object.entries(bytes) as [keyof typeof bytes, number][]) {
      const plain = channel[name];
      channel[name] = () => {
        if (!sniffs(channel)) {
          plain();
          return;
        }
        // A peripheral's register may be read once only: the value is caught on its way.
        const read = size === 1 ? "readUint8" : size === 2 ? "readUint16" : "readUint32";
        const original = chip[read];
        chip[read] = (address: number) => {
          const value = original.call(chip, address);
          if (address === channel.readAddr) feed(value, size);
          return value;
        };
        plain();
        chip[read] = original;
      };
    }
  }

  const { readUint32, writeUint32 } = dma;
  dma.readUint32 = (offset) => {
    if (offset === SNIFF_CTRL) return control;
    return offset === SNIFF_DATA ? crc : readUint32.call(dma, offset);
  };
  dma.writeUint32 = (offset, value) => {
    if (offset === SNIFF_CTRL) control = value;
    else if (offset === SNIFF_DATA) crc = value & 0xffff;
    else writeUint32.call(dma, offset, value);
  };
}
