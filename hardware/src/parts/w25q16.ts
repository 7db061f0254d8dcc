import { W25Q16_GEOMETRY } from "./w25q16-geometry.ts";

/** Serial flash of a Raspberry Pi Pico: Winbond W25Q16JV, 2 MiB (data sheet revision G, chapters 8 and 9). */
export const W25Q16 = {
  ...W25Q16_GEOMETRY,
  /** Typical times, 9.6; the limits are 400 ms and 3 ms. */
  sector_erase_us: 45_000,
  page_program_us: 400,
  commands: {
    page_program: 0x02,
    read: 0x03,
    read_status: 0x05,
    write_enable: 0x06,
    sector_erase: 0x20,
    /** Four dummy bytes, then eight bytes that no two chips share. */
    unique_id: 0x4b,
  },
  /** Bits of status register 1. */
  status: { busy: 1, write_enabled: 2 },
} as const;
