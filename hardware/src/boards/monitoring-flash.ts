import { W25Q16_GEOMETRY } from "../parts/w25q16-geometry.ts";

/** How the monitoring board's flash is divided behind the image. Offsets count from the start of the area. */
export interface FlashMap {
  /** Where the area begins in the chip: nothing that firmware writes at run time lies below. */
  area: number;
  area_bytes: number;
  sector_bytes: number;
  page_bytes: number;
  /** Two slots for bundles, A first. */
  slot_bytes: number;
  slots: number;
  /** In a slot: words that are programmed when the bundle is started and confirmed; the bundle itself. */
  marks: number;
  content: number;
  /** The non-volatile store, in two sectors. */
  store: number;
}

const SLOT = 256 * 1024;
const MARKS = W25Q16_GEOMETRY.page_bytes;

export const monitoringFlash: FlashMap = {
  area: 1024 * 1024,
  area_bytes: 2 * SLOT + 2 * W25Q16_GEOMETRY.sector_bytes,
  sector_bytes: W25Q16_GEOMETRY.sector_bytes,
  page_bytes: W25Q16_GEOMETRY.page_bytes,
  slot_bytes: SLOT,
  slots: 2,
  marks: MARKS,
  content: 2 * MARKS,
  store: 2 * SLOT,
};
