/**
 * AT24C32E serial EEPROM (Microchip DS20006109A): 4,096 bytes behind two address bytes, most significant first. A page
 * write that passes the end of its page goes on at the page's beginning (section 7.2), and a part that is writing does not
 * acknowledge (7.3).
 */
export const AT24C = {
  bytes: 4096,
  page_bytes: 32,
  /** Longest self-timed write cycle (tWR, table 4-3). */
  write_ms: 5,
} as const;
