/** What a program needs to know of the flash: apart from its commands, so that a board's bundle does not carry them. */
export const W25Q16_GEOMETRY = {
  bytes: 2 * 1024 * 1024,
  /** Smallest erase. */
  sector_bytes: 4096,
  /** Longest program; it wraps at the page's end. */
  page_bytes: 256,
} as const;
